"""Tiny voices with random weights, saved as the published ones are."""

from __future__ import annotations

import json
from pathlib import Path

import diffusers as df
import tiny
import torch
import transformers as hf
from safetensors.torch import save_file


def audioldm2(folder: Path) -> Path:
    torch.manual_seed(3)
    clap = tiny.clap()
    t5 = tiny.t5(16)
    language = hf.GPT2LMHeadModel(
        hf.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=32, n_positions=512)
    )
    language.config.max_new_tokens = 8
    pipe = df.AudioLDM2Pipeline(
        vae=df.AutoencoderKL(
            block_out_channels=(8, 16), in_channels=1, out_channels=1, norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
            up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"), latent_channels=4,
        ),
        text_encoder=clap, text_encoder_2=t5,
        projection_model=df.pipelines.audioldm2.modeling_audioldm2.AudioLDM2ProjectionModel(
            text_encoder_dim=16, text_encoder_1_dim=16, langauge_model_dim=16
        ),
        language_model=language,
        tokenizer=tiny.roberta_tokenizer(), tokenizer_2=tiny.t5_tokenizer(),
        feature_extractor=hf.ClapFeatureExtractor(feature_size=16),
        unet=df.pipelines.audioldm2.modeling_audioldm2.AudioLDM2UNet2DConditionModel(
            block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, sample_size=16,
            in_channels=4, out_channels=4, cross_attention_dim=(16, 16), attention_head_dim=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        scheduler=df.DDIMScheduler(
            beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=False,
        ),
        vocoder=hf.SpeechT5HifiGan(
            hf.SpeechT5HifiGanConfig(
                model_in_dim=16, sampling_rate=16000, upsample_initial_channel=16,
                upsample_rates=[5, 4, 4, 2], upsample_kernel_sizes=[10, 8, 8, 4],
                resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]], normalize_before=False,
            )
        ),
    )  # fmt: skip
    pipe.save_pretrained(folder)
    return folder


def _oobleck() -> df.AutoencoderOobleck:
    return df.AutoencoderOobleck(
        encoder_hidden_size=8, downsampling_ratios=[8, 8, 8, 4], decoder_channels=8,
        decoder_input_channels=8, audio_channels=2, channel_multiples=[1, 1, 1, 1],
        sampling_rate=44100,
    )  # fmt: skip


def stable_audio(folder: Path) -> Path:
    torch.manual_seed(4)
    from diffusers.pipelines.stable_audio.modeling_stable_audio import StableAudioProjectionModel

    pipe = df.StableAudioPipeline(
        vae=_oobleck(),
        text_encoder=tiny.t5(16),
        projection_model=StableAudioProjectionModel(
            text_encoder_dim=16, conditioning_dim=16, min_value=0, max_value=512
        ),
        tokenizer=tiny.t5_tokenizer(),
        transformer=df.StableAudioDiTModel(
            sample_size=64, in_channels=8, num_layers=1, attention_head_dim=8,
            num_attention_heads=2, num_key_value_attention_heads=1, out_channels=8,
            cross_attention_dim=16, time_proj_dim=8, global_states_input_dim=32,
            cross_attention_input_dim=16,
        ),
        scheduler=df.CosineDPMSolverMultistepScheduler(
            sigma_min=0.3, sigma_max=500, solver_order=2, prediction_type="v_prediction",
            sigma_data=1.0, sigma_schedule="exponential",
        ),
    )  # fmt: skip
    pipe.save_pretrained(folder)
    return folder


TANGO = {
    "num_layers": 1, "num_single_layers": 1, "in_channels": 8, "attention_head_dim": 16,
    "joint_attention_dim": 16, "num_attention_heads": 2, "audio_seq_len": 60, "max_duration": 30,
    "duration_embedding_dim": 16, "axes_dims_rope": [4, 6, 6],
}  # fmt: skip


def tangoflux(folder: Path) -> Path:
    from earwitness.voice.diffusion.tangoflux import TangoFlux

    torch.manual_seed(5)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(TANGO))
    model = TangoFlux(TANGO, 16)
    save_file(model.state_dict(), folder / "tangoflux.safetensors")
    vae = _oobleck()
    save_file(vae.state_dict(), folder / "vae.safetensors")
    sizes = {k: v for k, v in vae.config.items() if not k.startswith("_")}
    (folder / "vae_config.json").write_text(json.dumps(sizes))
    tiny.save("t5", folder / "flan-t5-large")
    return folder


VOICES = {"audioldm2": audioldm2, "stable-audio": stable_audio, "tangoflux": tangoflux}

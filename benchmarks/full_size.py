"""Foundation models at their published sizes, saved with made-up weights as the real ones are.

Time and memory of a network do not depend on the values of its weights, so that a folder of these
tells what the real one costs, read and run through the same code. Sizes are those of the published
configurations; words are split by a small vocabulary of our own, which changes no size.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from safetensors.torch import save_file

WORDS = [
    "a", "an", "the", "of", "photo", "dog", "sea", "waves", "sound", "what", "would", "one", "hear",
    "here", "nothing", "car", "rain",
]  # fmt: skip


def tensors(model: Any, dtype: Any = torch.float32) -> dict[str, Any]:
    """Return a tensor for each key that a file of the model holds, small and never 0.

    Parameters
    ----------
    model
        On the meta device: only its shapes are asked for.
    dtype
        Of what are no whole numbers.
    """
    some = torch.from_numpy(
        (0.02 * np.random.default_rng(0).standard_normal(1 << 20)).astype(np.float32)
    ).to(dtype)
    table = {}
    for key, value in model.state_dict().items():
        if not value.is_floating_point():
            table[key] = torch.zeros(tuple(value.shape), dtype=value.dtype)
            continue
        count = value.numel()
        filled = some.repeat(-(-count // len(some)))[:count] if count else some[:0]
        # A variance is positive.
        filled = filled.abs() + 0.5 if key.endswith("running_var") else filled
        table[key] = filled.reshape(value.shape).clone()
    return table


def save(model: Callable[[], Any], folder: Path, dtype: Any = torch.float32) -> None:
    """Write a model of transformers as its publisher does."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        made = model()
    save_file(tensors(made, dtype), folder / "model.safetensors", metadata={"format": "pt"})
    made.config.architectures = [type(made).__name__]
    made.config.save_pretrained(folder)
    if getattr(made, "generation_config", None) is not None:
        made.generation_config.save_pretrained(folder)


def words(special: list[str]) -> Any:
    """Return a tokeniser of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = ["<pad>", "<s>", "</s>", "<unk>", *special, *WORDS]
    made = Tokenizer(models.WordLevel({p: i for i, p in enumerate(pieces)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", extra_special_tokens=special,
    )  # fmt: skip


def sam_huge(folder: Path, dtype: Any) -> None:
    """Write Segment Anything with ViT-H."""
    tower = {
        "hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16, "mlp_dim": 5120,
        "global_attn_indexes": [7, 15, 23, 31],
    }  # fmt: skip
    save(lambda: hf.SamModel(hf.SamConfig(vision_config=tower)), folder, dtype)


def sam2_tiny(folder: Path, dtype: Any) -> None:
    """Write SAM 2.1 with Hiera tiny, which is the default of transformers."""
    save(lambda: hf.Sam2VideoModel(hf.Sam2VideoConfig()), folder, dtype)


def mask2former(folder: Path, dtype: Any) -> None:
    """Write Mask2Former with Swin-L for COCO's panoptic classes."""
    config = hf.Mask2FormerConfig(
        backbone_config={
            "model_type": "swin", "image_size": 384, "embed_dim": 192, "depths": [2, 2, 18, 2],
            "num_heads": [6, 12, 24, 48], "window_size": 12, "drop_path_rate": 0.3,
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
        },
        num_queries=200,
        id2label={i: f"thing {i}" for i in range(133)},
    )  # fmt: skip
    save(lambda: hf.Mask2FormerForUniversalSegmentation(config), folder, dtype)
    hf.Mask2FormerImageProcessorPil(
        size={"shortest_edge": 800, "longest_edge": 1333}, ignore_index=255
    ).save_pretrained(folder)


def _depth(folder: Path, dtype: Any, config: Any) -> None:
    save(lambda: hf.DepthAnythingForDepthEstimation(config), folder, dtype)
    hf.DPTImageProcessorPil(
        size={"height": 518, "width": 518}, keep_aspect_ratio=True, ensure_multiple_of=14,
        do_resize=True, do_rescale=True, do_normalize=True,
    ).save_pretrained(folder)  # fmt: skip


def depth_small(folder: Path, dtype: Any) -> None:
    """Write Depth Anything V2 Small, which is the default of transformers."""
    config = hf.DepthAnythingConfig()
    config.max_depth = 1  # what transformers writes for none cannot be read again
    _depth(folder, dtype, config)


def depth_large(folder: Path, dtype: Any) -> None:
    """Write Depth Anything with ViT-L, V1 or V2."""
    config = hf.DepthAnythingConfig(
        backbone_config={
            "model_type": "dinov2", "hidden_size": 1024, "num_hidden_layers": 24,
            "num_attention_heads": 16, "image_size": 518, "patch_size": 14,
            "out_features": ["stage5", "stage12", "stage18", "stage24"],
            "reshape_hidden_states": False,
        },
        reassemble_hidden_size=1024, neck_hidden_sizes=[256, 512, 1024, 1024],
        fusion_hidden_size=256, max_depth=1,
    )  # fmt: skip
    _depth(folder, dtype, config)


def clip_large(folder: Path, dtype: Any) -> None:
    """Write CLIP with ViT-L/14."""
    config = hf.CLIPConfig(
        text_config={
            "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12,
            "num_hidden_layers": 12,
        },
        vision_config={
            "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
            "num_hidden_layers": 24, "patch_size": 14, "image_size": 224,
        },
        projection_dim=768,
    )  # fmt: skip
    save(lambda: hf.CLIPModel(config), folder, dtype)
    hf.CLIPImageProcessorPil(
        size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224}
    ).save_pretrained(folder)
    letters = "abcdefghijklmnopqrstuvwxyz'-.,"
    pieces = ["<|startoftext|>", *letters, *(c + "</w>" for c in letters), "<|endoftext|>"]
    numbers = {piece: i for i, piece in enumerate(pieces)}
    hf.CLIPTokenizer(vocab=numbers, merges=[], model_max_length=77).save_pretrained(folder)


def siglip_base(folder: Path, dtype: Any) -> None:
    """Write SigLIP base at 224 pixels, which is the default of transformers."""
    save(lambda: hf.SiglipModel(hf.SiglipConfig()), folder, dtype)
    hf.SiglipImageProcessorPil(size={"height": 224, "width": 224}).save_pretrained(folder)
    t5_words(64).save_pretrained(folder)


def blip_base(folder: Path, dtype: Any) -> None:
    """Write BLIP base, with its pictures of 384 pixels."""
    config = hf.BlipConfig(vision_config={"image_size": 384})
    save(lambda: hf.BlipForConditionalGeneration(config), folder, dtype)
    hf.BlipImageProcessorPil(size={"height": 384, "width": 384}).save_pretrained(folder)
    pieces = ["[PAD]", "[UNK]", "[SEP]", "[DEC]", "[CLS]", "[MASK]", *WORDS]
    hf.BertTokenizer(vocab={p: i for i, p in enumerate(pieces)}).save_pretrained(folder)


_TEMPLATE = (
    "{% for m in messages %}{{ m.role }} : {% for c in m.content %}"
    "{% if c.type == 'image' %}<image> {% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} assistant :{% endif %}"
)


def smolvlm(folder: Path, dtype: Any) -> None:
    """Write SmolVLM 256M."""
    special = [
        "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>",
        *(f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)),
    ]  # fmt: skip
    tokenizer = words(special)
    config = hf.Idefics3Config(
        vision_config={
            "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
            "num_attention_heads": 12, "image_size": 512, "patch_size": 16,
        },
        text_config={
            "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536,
            "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
            "vocab_size": 49280, "max_position_embeddings": 8192, "pad_token_id": 0,
            "bos_token_id": 1, "eos_token_id": 2,
        },
        scale_factor=4,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )  # fmt: skip
    save(lambda: hf.Idefics3ForConditionalGeneration(config), folder, dtype)
    hf.Idefics3Processor(
        hf.Idefics3ImageProcessorPil(
            size={"longest_edge": 2048}, max_image_size={"longest_edge": 512}
        ),
        tokenizer, image_seq_len=64, chat_template=_TEMPLATE,
    ).save_pretrained(folder)  # fmt: skip


def clap(folder: Path, dtype: Any) -> None:
    """Write CLAP with HTSAT, which is the default of transformers."""
    save(lambda: hf.ClapModel(hf.ClapConfig()), folder, dtype)
    letters = list("abcdefghijklmnopqrstuvwxyzĠ.,'-")
    numbers = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters])}
    hf.ClapProcessor(
        hf.ClapFeatureExtractor(feature_size=64, truncation="rand_trunc"),
        hf.RobertaTokenizerFast(vocab=numbers, merges=[], model_max_length=512),
    ).save_pretrained(folder)


def t5_words(length: int) -> Any:
    """Return a tokeniser of T5's kind."""
    pieces = ["<pad>", "</s>", "<unk>", "▁", *(f"▁{w}" for w in WORDS)]
    pieces += [chr(c) for c in range(ord("a"), ord("z") + 1)]
    table = [(p, -float(i)) for i, p in enumerate(pieces)]
    return hf.T5TokenizerFast(vocab=table, extra_ids=0, model_max_length=length)


def codi(folder: Path, dtype: Any) -> None:
    """Write CoDi's path to sound as one converted file, 3.3 GB in single precision."""
    from earwitness.voice.codi import weights
    from earwitness.voice.codi.config import CodiConfig
    from earwitness.voice.codi.pipeline import _transformers_clip
    from earwitness.voice.codi.unet import AudioUnet
    from earwitness.voice.codi.vae import MelDecoder
    from earwitness.voice.codi.vocoder import Vocoder

    config = CodiConfig()
    with torch.device("meta"):
        parts = {
            weights.CLIP_PREFIX: _transformers_clip(config.clip),
            weights.UNET_PREFIX: AudioUnet(config.unet),
            weights.AUDIO_PREFIX: MelDecoder(config.vae),
            weights.AUDIO_PREFIX + "vocoder.": Vocoder(config.vocoder),
        }
    folder.mkdir(parents=True, exist_ok=True)
    table = {p + k: v for p, part in parts.items() for k, v in tensors(part, dtype).items()}
    save_file(table, folder / weights.CONVERTED)
    (folder / "config.json").write_text(json.dumps(config.to_dict()))


def stable_audio(folder: Path, dtype: Any) -> None:
    """Write Stable Audio Open 1.0, a pipeline of diffusers."""
    import diffusers as df
    from diffusers.pipelines.stable_audio.modeling_stable_audio import StableAudioProjectionModel

    parts: dict[str, Callable[[], Any]] = {
        "vae": lambda: df.AutoencoderOobleck(),
        "transformer": lambda: df.StableAudioDiTModel(),
        "projection_model": lambda: StableAudioProjectionModel(
            text_encoder_dim=768, conditioning_dim=768, min_value=0, max_value=512
        ),
    }
    for name, make in parts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        with torch.device("meta"):
            made = make()
        made.save_config(folder / name)
        save_file(
            tensors(made, dtype),
            folder / name / "diffusion_pytorch_model.safetensors",
            metadata={"format": "pt"},
        )
    text = hf.T5Config(d_model=768, d_ff=3072, num_layers=12, num_heads=12, d_kv=64)
    save(lambda: hf.T5EncoderModel(text), folder / "text_encoder", dtype)
    t5_words(128).save_pretrained(folder / "tokenizer")
    df.CosineDPMSolverMultistepScheduler(
        sigma_min=0.3, sigma_max=500, solver_order=2, prediction_type="v_prediction",
        sigma_data=1.0, sigma_schedule="exponential",
    ).save_pretrained(folder / "scheduler")  # fmt: skip
    index = {
        "_class_name": "StableAudioPipeline",
        "projection_model": ["stable_audio", "StableAudioProjectionModel"],
        "scheduler": ["diffusers", "CosineDPMSolverMultistepScheduler"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "StableAudioDiTModel"],
        "vae": ["diffusers", "AutoencoderOobleck"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def tangoflux(folder: Path, dtype: Any) -> None:
    """Write TangoFlux, with its Flan-T5 large."""
    from diffusers import AutoencoderOobleck

    from earwitness.voice.diffusion.tangoflux import TangoFlux

    sizes = {
        "num_layers": 6, "num_single_layers": 18, "in_channels": 64, "attention_head_dim": 128,
        "joint_attention_dim": 1024, "num_attention_heads": 8, "audio_seq_len": 645,
        "max_duration": 30,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(sizes))
    with torch.device("meta"):
        model, vae = TangoFlux(sizes, 1024), AutoencoderOobleck()
    save_file(tensors(model, dtype), folder / "tangoflux.safetensors")
    save_file(tensors(vae, dtype), folder / "vae.safetensors")
    text = hf.T5Config(
        d_model=1024, d_ff=2816, num_layers=24, num_heads=16, d_kv=64, vocab_size=32128,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    save(lambda: hf.T5EncoderModel(text), folder / "flan-t5-large", dtype)
    t5_words(512).save_pretrained(folder / "flan-t5-large")

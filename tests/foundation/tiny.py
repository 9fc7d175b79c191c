"""Tiny foundation models with random weights, saved as the published ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf

WORDS = [
    "a", "an", "the", "of", "photo", "dog", "cat", "sea", "waves", "barking", "sound", "what",
    "would", "one", "hear", "here", "nothing", "red", "car", "music", "speech", "rain", "wind",
    "tree", "person", "talking", "street", "and", "in", "on", "with",
]  # fmt: skip


def sam() -> Any:
    config = hf.SamConfig(
        vision_config={
            "hidden_size": 32, "output_channels": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 64, "patch_size": 16, "mlp_ratio": 2.0, "window_size": 2,
            "global_attn_indexes": [0], "num_pos_feats": 8,
        },
        prompt_encoder_config={
            "hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4,
        },
        mask_decoder_config={
            "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_dim": 32,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    return hf.SamModel(config)


def sam2() -> Any:
    wide = 128
    config = hf.Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": {
                "model_type": "sam2_hiera_det_model", "hidden_size": 24, "num_attention_heads": 1,
                "image_size": [128, 128], "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [24, 32, 48, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [4, 2, 2, 2], "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 48, 32, 24],
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]], "fpn_hidden_size": wide,
        },
        prompt_encoder_config={
            "hidden_size": wide, "image_size": 128, "patch_size": 16, "mask_input_channels": 4,
        },
        mask_decoder_config={
            "hidden_size": wide, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_dim": 32,
            "iou_head_hidden_dim": 16,
        },
        image_size=128, memory_attention_hidden_size=wide, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64, memory_encoder_hidden_size=wide,
        memory_encoder_output_channels=64, mask_downsampler_embed_dim=wide,
        memory_fuser_embed_dim=wide, memory_fuser_intermediate_dim=64, memory_fuser_num_layers=1,
        memory_attention_rope_feat_sizes=[8, 8],
    )  # fmt: skip
    return hf.Sam2VideoModel(config)


def mask2former() -> Any:
    config = hf.Mask2FormerConfig(
        backbone_config={
            "model_type": "swin", "image_size": 64, "embed_dim": 16, "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 2, 2], "window_size": 4,
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
        },
        feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=32,
        num_queries=5,
        id2label={0: "dog", 1: "sea", 2: "tree-merged"},
    )  # fmt: skip
    return hf.Mask2FormerForUniversalSegmentation(config)


def depth_anything(kind: str = "relative") -> Any:
    config = hf.DepthAnythingConfig(
        backbone_config={
            "model_type": "dinov2", "hidden_size": 16, "num_hidden_layers": 4,
            "num_attention_heads": 2, "image_size": 56, "patch_size": 14, "mlp_ratio": 2,
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
            "reshape_hidden_states": False,
        },
        patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8, head_hidden_size=8, depth_estimation_type=kind, max_depth=80,
    )  # fmt: skip
    return hf.DepthAnythingForDepthEstimation(config)


_TOWER = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip


def _clip_words() -> dict[str, int]:
    letters = "abcdefghijklmnopqrstuvwxyz'-.,"
    vocabulary = ["<|startoftext|>", *letters, *(c + "</w>" for c in letters), "<|endoftext|>"]
    return {piece: i for i, piece in enumerate(vocabulary)}


def clip() -> Any:
    count = len(_clip_words())
    ends = {"bos_token_id": 0, "eos_token_id": count - 1, "pad_token_id": count - 1}
    config = hf.CLIPConfig(
        text_config={**_TOWER, **ends, "vocab_size": count, "max_position_embeddings": 40},
        vision_config={**_TOWER, "image_size": 32, "patch_size": 16},
        projection_dim=12,
    )
    return hf.CLIPModel(config)


def siglip() -> Any:
    config = hf.SiglipConfig(
        text_config={**_TOWER, "vocab_size": 64, "max_position_embeddings": 16},
        vision_config={**_TOWER, "image_size": 32, "patch_size": 16},
    )
    return hf.SiglipModel(config)


def blip() -> Any:
    words = bert_words()
    config = hf.BlipConfig(
        text_config={
            **_TOWER, "vocab_size": len(words), "encoder_hidden_size": 16, "bos_token_id": 3,
            "sep_token_id": 2, "eos_token_id": 2, "pad_token_id": 0, "max_position_embeddings": 40,
        },
        vision_config={**_TOWER, "image_size": 32, "patch_size": 16},
        image_text_hidden_size=16,
    )  # fmt: skip
    return hf.BlipForConditionalGeneration(config)


def bert_words() -> dict[str, int]:
    pieces = ["[PAD]", "[UNK]", "[SEP]", "[DEC]", "[CLS]", "[MASK]", *WORDS]
    return {piece: i for i, piece in enumerate(pieces)}


def _llama(count: int) -> dict[str, Any]:
    return {
        **_TOWER, "model_type": "llama", "vocab_size": count, "num_key_value_heads": 1,
        "max_position_embeddings": 2048, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def _word_tokenizer(special: list[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = ["<pad>", "<s>", "</s>", "<unk>", *special, *WORDS, "user", "assistant", ":", "?", "."]
    made = Tokenizer(models.WordLevel({p: i for i, p in enumerate(pieces)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", extra_special_tokens=special,
    )  # fmt: skip


_TEMPLATE = (
    "{% for m in messages %}{{ m.role }} : {% for c in m.content %}"
    "{% if c.type == 'image' %}<image> {% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} assistant :{% endif %}"
)

_IDEFICS_TOKENS = [
    "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>",
    *(f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)),
]  # fmt: skip


def smolvlm() -> Any:
    tokenizer = _word_tokenizer(_IDEFICS_TOKENS)
    config = hf.Idefics3Config(
        vision_config={**_TOWER, "image_size": 32, "patch_size": 8},
        text_config=_llama(len(tokenizer)),
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    return hf.Idefics3ForConditionalGeneration(config)


def llava() -> Any:
    tokenizer = _word_tokenizer(["<image>"])
    config = hf.LlavaConfig(
        vision_config={
            **_TOWER, "model_type": "clip_vision_model", "image_size": 32, "patch_size": 16,
            "projection_dim": 16,
        },
        text_config=_llama(len(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        image_seq_length=4,
    )  # fmt: skip
    return hf.LlavaForConditionalGeneration(config)


def clap() -> Any:
    config = hf.ClapConfig(
        text_config={
            **_TOWER, "vocab_size": 64, "max_position_embeddings": 80, "projection_dim": 16,
            "pad_token_id": 1,
        },
        audio_config={
            "spec_size": 64, "num_mel_bins": 16, "window_size": 4, "hidden_size": 32,
            "patch_embeds_hidden_size": 16, "depths": [1, 1], "num_attention_heads": [2, 2],
            "patch_size": 4, "patch_stride": [4, 4], "projection_dim": 16, "num_hidden_layers": 2,
            "aff_block_r": 2, "enable_fusion": False,
        },
        projection_dim=16,
    )  # fmt: skip
    return hf.ClapModel(config)


def _t5_words() -> list[tuple[str, float]]:
    pieces = ["<pad>", "</s>", "<unk>", "▁", *(f"▁{w}" for w in WORDS)]
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    return [(p, -float(i)) for i, p in enumerate([*pieces, *letters])]


def t5_tokenizer(length: int = 32) -> Any:
    return hf.T5TokenizerFast(vocab=_t5_words(), extra_ids=0, model_max_length=length)


def t5(size: int = 16) -> Any:
    return hf.T5EncoderModel(
        hf.T5Config(
            vocab_size=64, d_model=size, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
            is_gated_act=True, feed_forward_proj="gated-gelu",
        )
    )  # fmt: skip


def roberta_tokenizer() -> Any:
    letters = list("abcdefghijklmnopqrstuvwxyzĠ.,'-")
    vocabulary = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters])}
    return hf.RobertaTokenizerFast(vocab=vocabulary, merges=[], model_max_length=64)


_PICTURES: dict[str, Callable[[], Any]] = {
    "mask2former": lambda: hf.Mask2FormerImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 128}, ignore_index=255
    ),
    "depth-anything": lambda: hf.DPTImageProcessorPil(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14,
        do_resize=True, do_rescale=True, do_normalize=True,
    ),
    "clip": lambda: hf.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ),
    "siglip": lambda: hf.SiglipImageProcessorPil(size={"height": 32, "width": 32}),
    "blip": lambda: hf.BlipImageProcessorPil(size={"height": 32, "width": 32}),
}  # fmt: skip

MODELS: dict[str, Callable[[], Any]] = {
    "sam": sam, "sam2": sam2, "mask2former": mask2former, "depth-anything": depth_anything,
    "depth-metric": lambda: depth_anything("metric"), "clip": clip, "siglip": siglip, "blip": blip,
    "smolvlm": smolvlm, "llava": llava, "clap": clap, "t5": t5,
}  # fmt: skip


def save(name: str, folder: Path) -> Path:
    """Build a tiny model, save it with its processor, and return its folder."""
    torch.manual_seed(7)
    model = MODELS[name]().eval()
    model.save_pretrained(folder)
    pictures = {"depth-metric": "depth-anything"}.get(name, name)
    if pictures in _PICTURES:
        _PICTURES[pictures]().save_pretrained(folder)
    if name == "clip":
        hf.CLIPTokenizer(vocab=_clip_words(), merges=[], model_max_length=40).save_pretrained(
            folder
        )
    elif name == "siglip":
        hf.T5TokenizerFast(vocab=_t5_words(), extra_ids=0, model_max_length=16).save_pretrained(
            folder
        )
    elif name == "t5":
        t5_tokenizer().save_pretrained(folder)
    elif name == "blip":
        hf.BertTokenizer(vocab=bert_words()).save_pretrained(folder)
    elif name == "smolvlm":
        hf.Idefics3Processor(
            hf.Idefics3ImageProcessorPil(
                size={"longest_edge": 64}, max_image_size={"longest_edge": 32}
            ),
            _word_tokenizer(_IDEFICS_TOKENS), image_seq_len=4, chat_template=_TEMPLATE,
        ).save_pretrained(folder)  # fmt: skip
    elif name == "llava":
        hf.LlavaProcessor(
            hf.CLIPImageProcessorPil(
                size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
            ),
            _word_tokenizer(["<image>"]), patch_size=16, vision_feature_select_strategy="default",
            num_additional_image_tokens=1, chat_template=_TEMPLATE,
        ).save_pretrained(folder)  # fmt: skip
    elif name == "clap":
        hf.ClapProcessor(
            hf.ClapFeatureExtractor(feature_size=16, max_length_s=2, truncation="rand_trunc"),
            roberta_tokenizer(),
        ).save_pretrained(folder)
    return folder


def config_of(folder: Path) -> dict[str, Any]:
    """Return what a folder's ``config.json`` holds."""
    held: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return held

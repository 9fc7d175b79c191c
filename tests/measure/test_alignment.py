"""CLAP, CLIP and Wav2CLIP through their real code, on tiny random models made here."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [hub]")
transformers = pytest.importorskip("transformers", reason="needs the extra [hub]")
pytest.importorskip("safetensors", reason="needs the extra [hub]")

from safetensors.torch import save_file  # noqa: E402

from earwitness.errors import WeightsError  # noqa: E402
from earwitness.measure.alignment import (  # noqa: E402
    Clap,
    ClipPicture,
    agreement,
    clip_score,
    concept_probabilities,
)
from earwitness.measure.wav2clip import Encoder, Transform, Wav2Clip  # noqa: E402
from earwitness.scene import Sound, concepts  # noqa: E402

NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, 48000).astype(np.float32)


def _sound(wave: np.ndarray, rate: int = 48000) -> Sound:
    return Sound(np.atleast_2d(wave), rate)


def _words(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["a", "dog", "barking", "rain", "wind", "river", "in", "the", "trees"]
    vocabulary = {w: i for i, w in enumerate(["<pad>", "<s>", "</s>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)


@pytest.fixture(scope="module")
def clap_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    config = transformers.ClapConfig(
        text_config={
            "vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 16, "max_position_embeddings": 40, "projection_dim": 16,
            "pad_token_id": 0,
        },
        audio_config={
            "patch_embeds_hidden_size": 16, "hidden_size": 32, "depths": [1, 1],
            "num_attention_heads": [2, 2], "num_hidden_layers": 2, "spec_size": 64,
            "window_size": 4,
            "num_mel_bins": 16, "patch_size": 4, "patch_stride": [4, 4], "projection_dim": 16,
            "enable_fusion": False,
        },
        projection_dim=16,
    )  # fmt: skip
    transformers.ClapModel(config).save_pretrained(folder)
    _words(folder)
    transformers.ClapFeatureExtractor(
        feature_size=16, sampling_rate=48000, max_length_s=10, fft_window_size=1024, hop_length=7680
    ).save_pretrained(folder)
    return folder


def test_clap_makes_unit_vectors_of_sounds_and_words(clap_folder: Path) -> None:
    model = Clap.load(clap_folder, "cpu")
    rows = model.sounds([_sound(NOISE), _sound(np.tile(NOISE, 12)), _sound(NOISE[:16000], 16000)])
    words = model.texts(["a dog barking", "rain"])
    assert rows.shape == (3, 16) and words.shape == (2, 16)
    assert np.linalg.norm(np.concatenate([rows, words]), axis=1) == pytest.approx(1.0)
    again = Clap.load(clap_folder, "cpu").sounds([_sound(np.tile(NOISE, 12))])
    assert again[0] == pytest.approx(rows[1], abs=1e-5)  # nothing is cut at random
    assert not np.allclose(words[0], words[1])


def test_concepts_get_probabilities(clap_folder: Path) -> None:
    model = Clap.load(clap_folder, "cpu")
    chances = concept_probabilities(model, model.sounds([_sound(NOISE)]))
    assert chances.shape == (1, len(concepts())) and chances.sum() == pytest.approx(1.0)


def test_another_models_folder_is_refused(clap_folder: Path, clip_folder: Path) -> None:
    with pytest.raises(WeightsError, match="another model"):
        Clap.load(clip_folder, "cpu")
    with pytest.raises(WeightsError, match="another model"):
        ClipPicture.load(clap_folder, "cpu")


@pytest.fixture(scope="module", params=[512])
def clip_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _clip(tmp_path_factory.mktemp("clip"), request.param)


def _clip(folder: Path, size: int) -> Path:
    torch.manual_seed(1)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 16}  # fmt: skip
    config = transformers.CLIPConfig(
        text_config={**small, "vocab_size": 32, "max_position_embeddings": 8},
        vision_config={**small, "image_size": 32, "patch_size": 16},
        projection_dim=size,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    return folder


def _checkpoint() -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    table = {f"audio_encoder.{k}": v.clone() for k, v in Encoder().state_dict().items()}
    table |= {f"audio_transform.{k}": v.clone() for k, v in Transform().state_dict().items()}
    table["audio_encoder.fc.weight"] = torch.zeros(10, 512)  # there, and not used
    table["audio_encoder.spectrogram.window"] = torch.hann_window(512)
    table["image_encoder.anything"] = torch.zeros(3)
    return table


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_the_clip_score_is_the_cosine_of_both_sides(
    tmp_path: Path, clip_folder: Path, suffix: str
) -> None:
    file = tmp_path / f"Wav2CLIP{suffix}"
    if suffix == ".pt":
        torch.save({"state_dict": _checkpoint(), "epoch": 3}, file)
    else:
        save_file(_checkpoint(), file)
    wav2clip, clip = Wav2Clip.load(tmp_path, "cpu"), ClipPicture.load(clip_folder, "cpu")
    pixels = np.random.default_rng(3).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    score = clip_score(clip, wav2clip, pixels, _sound(NOISE[:16000], 16000))
    rows = wav2clip.sounds([_sound(NOISE[:16000], 16000)])
    assert score == pytest.approx(float(agreement(clip.pictures([pixels]), rows)[0]))
    assert -1 <= score <= 1 and rows.shape == (1, 512)


def test_wav2clip_is_a_resnet_18_and_ignores_gain(tmp_path: Path) -> None:
    # Each value is known from the published network: 11 176 512 of a ResNet-18 over three colours,
    # less two of the first layer's three planes.
    assert sum(p.numel() for p in Encoder().parameters()) == 11_176_512 - 2 * 64 * 49
    save_file(_checkpoint(), tmp_path / "Wav2CLIP.safetensors")
    model = Wav2Clip.load(tmp_path, "cpu")
    loud, faint = model.sounds([_sound(NOISE[:16000], 16000), _sound(0.5 * NOISE[:16000], 16000)])
    assert loud == pytest.approx(faint, abs=1e-3)


def test_a_clip_of_another_size_is_told(tmp_path: Path) -> None:
    save_file(_checkpoint(), tmp_path / "Wav2CLIP.safetensors")
    (tmp_path / "clip").mkdir()
    clip = ClipPicture.load(_clip(tmp_path / "clip", 64), "cpu")
    with pytest.raises(WeightsError, match="ViT-B/32"):
        clip_score(
            clip,
            Wav2Clip.load(tmp_path / "Wav2CLIP.safetensors", "cpu"),
            np.zeros((32, 32, 3), np.uint8),
            _sound(NOISE),
        )


class _Evil:
    def __reduce__(self) -> object:
        return (Path.touch, (Path("was-run"),))


@pytest.mark.parametrize("harm", ["pickle", "missing", "extra", "broken", "absent", "shape"])
def test_wrong_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file, table = tmp_path / "Wav2CLIP.pt", _checkpoint()
    if harm == "pickle":
        file.write_bytes(pickle.dumps(_Evil()))
    elif harm == "broken":
        file.write_bytes(b"PK\x03\x04 not whole")
    elif harm != "absent":
        if harm == "missing":
            del table["audio_encoder.layer2.0.conv1.weight"]
        elif harm == "extra":
            table["audio_transform.sequential.6.weight"] = torch.zeros(2)
        else:
            table["audio_encoder.conv1.weight"] = torch.zeros(64, 3, 7, 7)
        torch.save(table, file)
    with pytest.raises(WeightsError):
        Wav2Clip.load(file, "cpu")
    assert not (tmp_path / "was-run").exists()


def test_a_scene_is_scored_against_its_words_and_picture(
    tmp_path: Path, clap_folder: Path, clip_folder: Path
) -> None:
    from PIL import Image

    from earwitness.media import write_flac, write_scene
    from earwitness.scene import Scene, Source
    from earwitness.verbs.measuring import evaluate_scene

    scene = tmp_path / "one.scene"
    (scene / "stems").mkdir(parents=True)
    write_flac(scene / "stems/a.flac", [NOISE], rate_hz=48000)
    source = Source("a", "rain in the trees", "rain", level_db=70, stem="stems/a.flac")
    write_scene(scene, Scene((source,), duration_s=1.0))
    picture = tmp_path / "p.png"
    Image.new("RGB", (64, 48), (90, 120, 60)).save(picture)
    save_file(_checkpoint(), tmp_path / "Wav2CLIP.safetensors")
    figures = evaluate_scene(
        scene,
        layouts=("foa",),
        picture=picture,
        clap=str(clap_folder),
        clip=str(clip_folder),
        wav2clip=str(tmp_path / "Wav2CLIP.safetensors"),
    )
    assert set(figures.agreement) == {"CLAP score", "CLIP score"}
    assert all(-1 <= value <= 1 for value in figures.agreement.values())
    model = Clap.load(clap_folder, "cpu")
    own = agreement(model.sounds([_sound(NOISE)]), model.texts(["rain in the trees"]))
    assert figures.agreement["CLAP score"] == pytest.approx(float(own[0]), abs=1e-4)

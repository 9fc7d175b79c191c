"""The published pipeline from a picture to 5.1 on tiny models, and what is said without weights."""

from __future__ import annotations

import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
import soundfile
from PIL import Image

from earwitness import listen
from earwitness.cli.main import main
from earwitness.errors import OptionError
from earwitness.look.contract import FREE, Name
from earwitness.models import resolve as resolve_module
from earwitness.models.choice import choices, chosen
from earwitness.models.register import register
from earwitness.models.settings import Settings
from earwitness.verbs.options import Options
from earwitness.verbs.parts import UnderstoodNamer, looking, preset


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EARWITNESS_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(resolve_module, "_in_hub_cache", lambda entry: None)
    return tmp_path / "models"


def tiny_codi(folder):
    torch = pytest.importorskip("torch")
    from earwitness.voice.codi import weights
    from earwitness.voice.codi.config import CodiConfig
    from earwitness.voice.codi.pipeline import Codi, _transformers_clip
    from earwitness.voice.codi.unet import AudioUnet
    from earwitness.voice.codi.vae import MelDecoder
    from earwitness.voice.codi.vocoder import Vocoder

    tower = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 2, "hidden_act": "quick_gelu", "projection_dim": 24,
    }  # fmt: skip
    config = CodiConfig.from_dict(
        {
            "unet": {
                "model_channels": 32, "num_noattn_blocks": [1, 1], "channel_mult": [1, 2],
                "with_attn": [True, False], "num_heads": 4, "context_dim": 24,
            },
            "vae": {"ch": 32, "num_res_blocks": 1},
            "vocoder": {"upsample_initial_channel": 32},
            "clip": {
                "projection_dim": 24,
                "text_config": {**tower, "vocab_size": 49408, "max_position_embeddings": 77},
                "vision_config": {**tower, "image_size": 224, "patch_size": 32},
            },
            "latent_shape": [8, 32, 16],
        }
    )  # fmt: skip
    with torch.device("meta"):
        parts = {
            weights.CLIP_PREFIX: _transformers_clip(config.clip),
            weights.UNET_PREFIX: AudioUnet(config.unet),
            weights.AUDIO_PREFIX: MelDecoder(config.vae),
            weights.AUDIO_PREFIX + "vocoder.": Vocoder(config.vocoder),
        }
    table = {}
    for prefix, module in parts.items():
        for key, value in module.state_dict().items():
            rng = np.random.default_rng(zlib.crc32(key.encode()))
            n = rng.standard_normal(tuple(value.shape))
            n = (
                n / np.sqrt(np.prod(n.shape[1:]))
                if n.ndim > 1
                else 0.05 * n + key.endswith("weight")
            )
            if key != "logit_scale":
                table[prefix + key] = torch.from_numpy(n.astype(np.float32))
    Codi(config, table, device="cpu").save(folder)


def test_see_2_sound_writes_a_right_5_1_file(root, photo, tmp_path, monkeypatch):
    for module in ("torch", "transformers", "ftfy"):
        pytest.importorskip(module, reason="foundation models need the extra [hub]")
    import tiny

    tiny.save("sam", root / "sam-vit-huge")
    tiny.save("depth-anything", root / "depth-anything-v1")
    tiny_codi(root / "codi")
    monkeypatch.setattr("earwitness.look.foundation.sam._STABLE", -1.0)
    monkeypatch.setattr("earwitness.look.foundation.sam.SamSegmenter.least_iou", -10.0)
    settings = Settings(steps=2)
    heard = listen(
        photo, out=tmp_path / "out", preset="see-2-sound", models=settings, duration_s=0.6,
        prompt="a car race",
    )  # fmt: skip
    assert 1 <= len(heard.scene.sources) <= 3
    assert not heard.scene.bed
    assert heard.scene.origin["prompt"] == "a car race"
    assert heard.scene.origin["depth"] == "DepthAnything"
    sound, rate = soundfile.read(tmp_path / "out" / "5.1.wav")
    assert sound.shape == (round(0.6 * rate), 6)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0.01
    used = settings.shelf.report()
    assert all(word in used for word in ("Segment Anything", "Depth Anything", "CoDi", "peak"))


def test_without_weights_it_fails_in_one_line_within_seconds(root, photo, capsys, monkeypatch):
    def never(*arguments):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", never)
    begun = time.process_time()  # nothing is waited for, so the clock of the wall tells no more
    assert main(["listen", str(photo), "--preset", "see-2-sound"]) == 1
    assert time.process_time() - begun < 5
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "earwitness models fetch codi" in said
    assert not (photo.parent / "photo.scene").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--look", "sam2"], ["--look", "builtin+depth-anything-v2"], ["--name", "smolvlm"],
        ["--voice", "stable-audio"], ["--voice", "tangoflux"], ["--voice", "audioldm2"],
    ],
)  # fmt: skip
def test_each_part_alone_says_what_to_fetch(root, photo, capsys, options):
    pytest.importorskip("torch", reason="foundation models need the extra [hub]")
    assert main(["listen", str(photo), *options]) == 1
    assert "Run: earwitness models fetch" in capsys.readouterr().err


def test_a_preset_sets_what_is_not_given(root):
    with pytest.raises(OptionError, match="see-2-sound"):
        preset("see-3-sound")


def test_free_words_are_looked_up_and_what_is_unknown_needs_a_voice_that_takes_any():
    class Says:
        def name(self, picture, found):
            return [Name(FREE, "waves breaking on a beach", 0.8), Name(FREE, "quantum flux", 0.8)]

    strict = UnderstoodNamer(Says(), any_words=False).name(None, [])
    free = UnderstoodNamer(Says(), any_words=True).name(None, [])
    assert strict[0].concept is not None
    assert strict[0].concept != FREE
    assert [one.concept for one in strict][1] is None
    assert [one.concept for one in free][1] == FREE


def test_a_prompt_joins_what_is_seen_where_it_names_no_sound_of_its_own():
    class AnyWords:
        any_words = True

    assert looking(Options(prompt="in a mysterious mood"), AnyWords()).prompt
    rain = looking(Options(prompt="light rain"), AnyWords())
    assert not rain.prompt
    assert [wish.concept for wish in rain.wishes] == ["rain-light"]
    assert looking(Options(prompt="light rain", name="picture"), AnyWords()).prompt == "light rain"


# --- where weights are ---


def test_models_toml_gives_a_model_another_folder_hub_and_revision(root, tmp_path):
    root.mkdir()
    (root / "models.toml").write_text(
        f'[sam2-tiny]\nfolder = "{tmp_path}"\nhub = "me/mine"\nrevision = "{"a" * 40}"\n'
    )
    entry, place = chosen(register()["sam2-tiny"], root)
    assert (entry.hub, entry.revision, place) == ("me/mine", "a" * 40, tmp_path)
    assert resolve_module.where(register()["sam2-tiny"]) == tmp_path
    assert chosen(register()["clap"], root) == (register()["clap"], None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "cannot be read"), ('[clap]\nplace = "x"', "folder, hub, revision"),
        ('[clap]\nhub = "x"', "owner/name"), ('[clap]\nrevision = "main"', "40 hexadecimal"),
    ],
)  # fmt: skip
def test_a_wrong_models_toml_is_refused(root, text, message):
    root.mkdir()
    (root / "models.toml").write_text(text)
    with pytest.raises(Exception, match=message):
        choices(root)


# --- the command ---


def test_models_are_listed_with_their_licences(root, capsys):
    assert main(["models", "list"]) == 0
    shown = capsys.readouterr().out
    assert "sam-vit-huge" in shown
    assert "stable-audio" in shown
    assert main(["models", "licences"]) == 0
    assert "CC-BY-NC-SA-4.0" in capsys.readouterr().out


def test_a_forbidding_licence_is_shown_before_the_download_and_must_be_accepted(root, capsys):
    assert main(["models", "fetch", "depth-anything-v2-base"]) == 1
    out, err = capsys.readouterr()
    assert "forbids commercial use" in out
    assert "--yes" in err


def test_fetching_what_is_not_there_and_verifying_nothing(root, capsys):
    assert main(["models", "fetch", "no-such-model"]) == 1
    assert "no weights are called" in capsys.readouterr().err
    assert main(["models", "fetch", "clap", "--revision", "main"]) == 1
    assert "40 hexadecimal digits" in capsys.readouterr().err
    assert main(["models", "verify"]) == 0
    assert main(["models", "verify", "clap"]) == 1


def test_weights_are_converted_and_another_folder_is_refused(root, tmp_path, capsys):
    pytest.importorskip("torch", reason="converting needs the extra [hub]")
    pytest.importorskip("transformers", reason="converting needs the extra [hub]")
    tiny_codi(tmp_path / "published")
    assert (
        main(["models", "convert", "codi", str(tmp_path / "published"), str(tmp_path / "c")]) == 0
    )
    assert (tmp_path / "c" / "codi.safetensors").is_file()
    (tmp_path / "empty").mkdir()
    assert main(["models", "convert", "codi", str(tmp_path / "empty"), str(tmp_path / "d")]) == 1
    assert not (tmp_path / "d").exists()


def test_asking_for_help_loads_no_framework():
    code = (
        "import sys; from earwitness.cli.main import main; main(['models', '--help']);"
        "sys.exit(bool({'torch', 'transformers', 'diffusers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0

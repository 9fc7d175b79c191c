"""The built-in model: what it is made of, and that it refuses what it cannot read."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from earwitness.atlas.builtin.wordpieces import tokenise, words_of
from earwitness.atlas.contract import Embedder
from earwitness.atlas.embedders import load_embedder
from earwitness.errors import EarwitnessError, MediaError, OptionError
from earwitness.scene.sound import Sound

BUDGET = 15_000_000


def test_the_whole_model_fits_its_budget() -> None:
    folder = files("earwitness.atlas.builtin")
    held = [f for f in folder.iterdir() if f.name.endswith((".onnx", ".xz"))]
    assert {f.name for f in held} >= {"image.onnx", "sound.onnx", "text.onnx", "words.onnx"}
    assert sum(len(f.read_bytes()) for f in held) <= BUDGET


def test_it_runs_without_pytorch() -> None:
    code = (
        "import sys; sys.modules['earwitness.atlas.sat2sound'] = None; import numpy as np\n"
        "from earwitness.atlas.embedders import load_embedder\n"
        "e = load_embedder()\n"
        "print(e.texts(['rain']).shape, e.images(np.zeros((1, 16, 16, 3), np.uint8)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 128) (1, 128)"


def test_embeddings_are_unit_vectors_and_rows_do_not_touch_each_other() -> None:
    embedder = load_embedder("builtin")
    assert isinstance(embedder, Embedder)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    lat, lon = rng.uniform(-80, 80, 5), rng.uniform(-180, 180, 5)
    whole = embedder.images(pixels, lat_deg=lat, lon_deg=lon, month=6, hour=12)
    alone = embedder.images(pixels[2:3], lat_deg=lat[2:3], lon_deg=lon[2:3], month=6, hour=12)
    assert np.allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
    assert np.allclose(whole[2], alone[0], atol=1e-5)
    words = ["rain", "a very long caption about a busy street in the rain with a tram"]
    assert np.allclose(embedder.texts(words)[0], embedder.texts(words[:1])[0], atol=1e-4)
    assert embedder.texts([]).shape == embedder.sounds([]).shape == (0, embedder.dim)


def test_what_is_known_of_a_place_changes_its_embedding() -> None:
    embedder = load_embedder()
    pixels = np.full((1, 16, 16, 3), 90, np.uint8)
    nothing = embedder.images(pixels)
    assert not np.allclose(nothing, embedder.images(pixels, lat_deg=0, lon_deg=0), atol=1e-3)
    assert not np.allclose(nothing, embedder.images(pixels, hour=2), atol=1e-3)


def test_loudness_rate_and_layout_of_a_sound_hardly_matter() -> None:
    embedder = load_embedder()
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 480_000)).astype(np.float32)
    both = np.repeat(wave, 2, axis=0)
    made = embedder.sounds(
        [Sound(wave), Sound(0.1 * wave), Sound(both, layout="stereo"), Sound(wave[:, :96_000])]
    )
    assert (made[:3] @ made[0] > 0.999).all()
    assert made[3] @ made[0] > 0.95  # two seconds of it, heard five times over


@pytest.mark.parametrize(
    "wrong",
    [
        lambda e: e.images(np.zeros((1, 32, 32, 3), np.uint8)),
        lambda e: e.images(np.zeros((1, 16, 16, 4), np.uint8)),
        lambda e: e.images(np.zeros((1, 16, 16, 3), np.float32)),
        lambda e: e.images(np.zeros((1, 16, 16, 3), np.uint8), lat_deg=3),
        lambda e: e.images(np.zeros((1, 16, 16, 3), np.uint8), lat_deg=99, lon_deg=0),
        lambda e: e.images(np.zeros((1, 16, 16, 3), np.uint8), month=13),
        lambda e: e.images(np.zeros((2, 16, 16, 3), np.uint8), hour=[1, 2, 3]),
        lambda e: e.texts(["rain", " "]),
    ],
)
def test_what_it_cannot_read_is_one_clear_error(wrong) -> None:
    with pytest.raises(OptionError):
        wrong(load_embedder())


def test_sounds_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(MediaError):
        load_embedder().sounds([Sound(np.full((1, 480_000), np.nan, np.float32))])


def test_a_name_nobody_knows_is_refused() -> None:
    with pytest.raises(EarwitnessError, match="builtin"):
        load_embedder("nothing-of-the-kind")


def test_pieces_are_those_of_the_encoder() -> None:
    assert words_of("Naïve seagulls, 3!") == ["naive", "seagulls", ",", "3", "!"]
    pieces, mask = tokenise(["", "rain " * 200])
    assert pieces.shape == (2, 64) and mask.sum(axis=1).tolist() == [2, 64]


def test_words_near_in_meaning_are_near_in_states() -> None:
    from earwitness.atlas.builtin.words import word_states

    states, mask = word_states(["seagulls", "gulls at sea", "tax return form"])
    means = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    assert means[0] @ means[1] > means[0] @ means[2] + 0.2

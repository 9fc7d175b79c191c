"""Distances between sets, and the guide."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.errors import OptionError
from earwitness.measure.distribution import builtin_embedding, frechet, gaussian_kl, paired_kl
from earwitness.measure.guide import Place, Response
from earwitness.scene import Sound

DRAW = np.random.default_rng(0)


def test_the_frechet_distance_has_its_closed_form() -> None:
    rows = DRAW.standard_normal((500, 4))
    assert frechet(rows, rows) == pytest.approx(0, abs=1e-9)
    # A cloud twice as wide about the same middle: tr(C) (1 + 4 − 4).
    centred = rows - rows.mean(axis=0)
    assert frechet(centred, 2 * centred) == pytest.approx(np.trace(np.cov(rows, rowvar=False)))
    assert frechet(rows, rows + 1) == pytest.approx(frechet(rows + 1, rows)) == pytest.approx(4.0)


def test_divergence_is_zero_for_equal_sets_and_not_symmetric() -> None:
    rows = DRAW.standard_normal((300, 3))
    assert gaussian_kl(rows, rows) == pytest.approx(0, abs=1e-9)
    assert gaussian_kl(rows, 3 * rows) != pytest.approx(gaussian_kl(3 * rows, rows), rel=0.1)
    assert np.isfinite(gaussian_kl(rows[:2], rows))  # two sounds only: a flat cloud
    assert paired_kl([[0.2, 0.8]], [[0.2, 0.8]]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("first", "second"),
    [(np.zeros((1, 3)), np.zeros((5, 3))), (np.ones((4, 2)), np.ones((4, 3))),
     (np.full((4, 2), np.nan), np.ones((4, 2)))],
)  # fmt: skip
def test_sets_that_do_not_fit_are_told(first: np.ndarray, second: np.ndarray) -> None:
    with pytest.raises(OptionError):
        frechet(first, second)


def test_the_builtin_embedding_tells_noises_from_tones() -> None:
    noises = [Sound(DRAW.standard_normal((1, 32000)) * 0.1, 16000) for _ in range(4)]
    tone = np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)[None] * 0.3
    first, second, other = (
        np.concatenate([builtin_embedding(s) for s in group])
        for group in (noises[:2], noises[2:], [Sound(tone, 16000)] * 2)
    )
    assert frechet(first, second) < 0.05 * frechet(first, other)


def test_a_response_has_its_decay_and_its_direct_share() -> None:
    made = Response(0.4, 6.0, dull_hz=1e6).impulse(16000)[0]
    assert 10 * np.log10(1 / np.sum(made[1:] ** 2)) == pytest.approx(6.0)
    later = np.cumsum(made[::-1] ** 2)[::-1]
    level = 10 * np.log10(later[100:-200] / later[100])
    reach = np.argmax(level < -25) - np.argmax(level < -5)
    assert 3 * reach / 16000 == pytest.approx(0.4, rel=0.1)


def test_the_open_air_changes_a_sound_less_than_a_room() -> None:
    sound = Sound(DRAW.standard_normal((2, 16000)).astype(np.float32) * 0.1, 16000, "stereo")
    changes = []
    for place in (Place(0, 0, 0, 1), Place(0, 1, 0, 0), Place(1, 0, 0, 0)):
        heard = place.response().applied(sound)
        assert heard.samples.shape == sound.samples.shape
        assert np.std(heard.samples) == pytest.approx(np.std(sound.samples), rel=0.01)
        changes.append(float(np.mean((heard.samples - sound.samples) ** 2)))
    assert changes == sorted(changes) and changes[0] < 0.1 * changes[2]


def test_a_response_outside_what_is_allowed_is_told() -> None:
    with pytest.raises(OptionError, match="decay"):
        Response(0.0, 0.0)

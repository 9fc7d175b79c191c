"""Stems are read in order, through windows that slide."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.errors import OptionError
from earwitness.scene import Air, Listener
from earwitness.space.air_stem import AirStem
from earwitness.space.path import Path
from earwitness.space.stems import ArrayStem, Tape


class Dribble:
    """A stem that gives less than it is asked for."""

    def __init__(self, samples):
        self.stem = ArrayStem(samples)

    def read(self, samples):
        return self.stem.read(min(samples, 7))


@pytest.mark.parametrize("kind", [ArrayStem, Dribble])
def test_any_windows_that_go_forward_give_the_stem(kind):
    sound = np.arange(1, 101, dtype=np.float32)
    tape = Tape(kind(sound))
    padded = np.concatenate([np.zeros(50), sound, np.zeros(50)])
    for start, stop in ((-20, -10), (-20, 5), (0, 33), (20, 90), (60, 140), (150, 150), (120, 149)):
        np.testing.assert_array_equal(tape.span(start, stop), padded[start + 50 : stop + 50])
        tape.forget(start)


def test_what_is_not_finite_becomes_silence():
    tape = Tape(ArrayStem([1, np.nan, np.inf, -np.inf, 2]))
    np.testing.assert_array_equal(tape.span(0, 5), [1, 0, 0, 0, 2])


def test_a_stem_is_mono():
    with pytest.raises(OptionError, match="mono"):
        ArrayStem(np.zeros((2, 10)))


def test_air_without_way_changes_nothing():
    sound = np.random.default_rng(0).standard_normal(50000).astype(np.float32)
    stem = AirStem(Tape(ArrayStem(sound)), Path([(0, 0, 0, 0)], Listener()), Air(), 48000)
    found = np.concatenate([stem.read(n) for n in (1, 1000, 40000, 8999)])
    np.testing.assert_allclose(found, sound, atol=1e-5)

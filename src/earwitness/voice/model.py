"""What a sounding model is: a function from controls and chance to samples, and its register."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import VoiceError

Samples = NDArray[np.float64]
Function = Callable[[int, int, np.random.Generator, Mapping[str, float]], Samples]


@dataclass(frozen=True)
class Control:
    """A named control of a model, in a physical unit.

    Parameters
    ----------
    name
        Such as ``pitch_hz``; the unit is part of the name where there is one.
    unit
        As people write it ("Hz", "m/s", "°C", "1/s", "" for none).
    low, high, default
        Range and usual value.
    meaning
        One line for ``voice --list``.
    """

    name: str
    unit: str
    low: float
    high: float
    default: float
    meaning: str


@dataclass(frozen=True)
class Model:
    """A concept's model.

    Parameters
    ----------
    concept
        Key in the vocabulary.
    controls
        What can be set.
    source
        The publication whose physics or figures it follows.
    function
        ``function(samples, rate_hz, rng, controls) -> float64 (samples,)``. Any level, no need
        to fade at the ends: level, DC and ends are set by the synthesiser.
    """

    concept: str
    controls: tuple[Control, ...]
    source: str
    function: Function

    def settings(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """Return every control's value: wanted ones clipped to their range, else the default."""
        values = {control.name: control.default for control in self.controls}
        for control in self.controls:
            if control.name in wanted:
                values[control.name] = float(
                    np.clip(wanted[control.name], control.low, control.high)
                )
        return values


MODELS: dict[str, Model] = {}
"""Every model by its concept, filled as the families' modules are imported."""


def model(concept: str, *controls: Control, source: str) -> Callable[[Function], Function]:
    """Register the decorated function as the model of a concept.

    Parameters
    ----------
    concept
        Key in the vocabulary.
    controls
        Its named controls.
    source
        Publication.

    Raises
    ------
    VoiceError
        If the concept has a model already.
    """

    def register(function: Function) -> Function:
        if concept in MODELS:
            raise VoiceError(f"the concept {concept!r} has two models")
        MODELS[concept] = Model(concept, controls, source, function)
        return function

    return register

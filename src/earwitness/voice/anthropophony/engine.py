"""Piston engines: firing order, unequal cylinders, exhaust pipe, breath and clatter.

The exhaust lets out a pulse at every firing. A four-stroke engine fires ``rpm / 120`` times
a second per cylinder, a two-stroke ``rpm / 60``. Equal cylinders would give multiples of the firing
frequency only; the differences between them give the half orders that make it sound like an engine
(Farnell, *Designing Sound*, 2010, ch. 45; Baldan et al., 2015; Heywood, *Internal Combustion Engine
Fundamentals*, 1988).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from earwitness.voice.anthropophony.events import crossings, turned
from earwitness.voice.anthropophony.response import (
    Response,
    highpass,
    lowpass,
    pipe,
    resonance,
    through,
)
from earwitness.voice.dsp import impulses, slow, unit
from earwitness.voice.model import Samples

EXHAUST_SOUND_M_S = 500.0
"""Speed of sound in exhaust gas at about 350 °C."""


@dataclass(frozen=True)
class Engine:
    """What an engine is built like.

    Parameters
    ----------
    cylinders
        How many.
    strokes
        4, or 2.
    unequal
        Standard deviation between cylinders, as a share of the pulse.
    rough
        The same from firing to firing.
    pipe_m
        Length of the exhaust.
    muffled_hz
        Above this the silencer takes the tone away.
    breath
        Turbulence of exhaust and intake, RMS against the tone's.
    clatter
        Valves, injectors and gears, RMS against the tone's.
    clatter_hz
        Where the clatter rings.
    body_hz
        Resonances of block and casing.
    """

    cylinders: int = 4
    strokes: int = 4
    unequal: float = 0.12
    rough: float = 0.06
    pipe_m: float = 2.2
    muffled_hz: float = 350.0
    breath: float = 0.25
    clatter: float = 0.15
    clatter_hz: float = 2600.0
    body_hz: tuple[float, ...] = field(default=(180.0, 420.0, 900.0))

    def firing_hz(self, rpm: float) -> float:
        """Return firings per second.

        Examples
        --------
        >>> Engine(cylinders=4).firing_hz(900)
        30.0
        """
        return rpm / 60 * self.cylinders / (self.strokes / 2)

    def run(
        self,
        samples: int,
        rate_hz: int,
        rng: np.random.Generator,
        rpm: Samples | float,
        *,
        wander: float = 0.006,
        load: Samples | float = 1.0,
    ) -> Samples:
        """Return the engine running.

        Parameters
        ----------
        samples, rate_hz, rng
            Length, rate, chance.
        rpm
            Turns per minute, one number or one per sample.
        wander
            How much the speed strays, as a share.
        load
            How hard it pulls, one number or one per sample; raises level and brightness.

        Returns
        -------
        ndarray, shape ``(samples,)``
            With an RMS of about 1.
        """
        speed = rpm * (1 + wander * slow(samples, rate_hz, rng, 1.5))
        phase = turned(speed * (self.firing_hz(1.0)), samples, rate_hz) + rng.random()
        times = crossings(phase, rate_hz)
        each = np.arange(len(times)) % self.cylinders
        own = 1 + self.unequal * rng.standard_normal(self.cylinders)
        late = 0.25 * self.unequal * rng.standard_normal(self.cylinders)
        mean_hz = self.firing_hz(float(np.mean(rpm)))
        gains = own[each] * (1 + self.rough * rng.standard_normal(len(times)))
        stray = late[each] + 0.25 * self.rough * rng.standard_normal(len(times))
        times = times + stray / mean_hz
        train = impulses(samples, rate_hz, times, gains)
        # the pulse lasts a third of the time between firings, whatever the speed
        corner = float(np.clip(2.2 * mean_hz, 70.0, 900.0))
        exhaust = unit(through(train, rate_hz, lambda f: self._tone(f, corner), 0.4))
        if self.breath:
            fall = float(np.exp(-2 * np.pi * 0.6 * corner / rate_hz))
            blow = signal.lfilter([1 - fall], [1.0, -fall], train)
            blow = signal.lfilter([1 - fall], [1.0, -fall], blow)
            breath = rng.standard_normal(samples) * np.maximum(blow, 0)
            exhaust = exhaust + self.breath * unit(through(breath, rate_hz, self._breath, 0.05))
        if np.ndim(load):
            exhaust = exhaust * load
        if self.clatter:
            twice = np.concatenate([times + 0.31 / mean_hz, times + 0.78 / mean_hz])
            knocks = impulses(samples, rate_hz, twice, rng.standard_normal(len(twice)))
            noise = 0.02 * rng.standard_normal(samples) + knocks
            exhaust = exhaust + self.clatter * unit(through(noise, rate_hz, self._clatter, 0.1))
        return unit(exhaust)

    def _tone(self, hz: NDArray[np.float64], corner_hz: float) -> Response:
        out = lowpass(hz, corner_hz, 1) * pipe(hz, self.pipe_m, 0.6, EXHAUST_SOUND_M_S)
        muffled = 0.06 + lowpass(hz, self.muffled_hz, 2)
        body = 0.5 + sum(resonance(hz, f, 3.0) for f in self.body_hz)
        return np.asarray(out * muffled * body * highpass(hz, 25.0, 2), dtype=np.complex128)

    def _breath(self, hz: NDArray[np.float64]) -> Response:
        return highpass(hz, 250.0, 2) * lowpass(hz, 1800.0, 1) * lowpass(hz, 6000.0, 1)

    def _clatter(self, hz: NDArray[np.float64]) -> Response:
        f = self.clatter_hz
        rings = resonance(hz, f, 5) + 0.7 * resonance(hz, f * 1.7, 6) + resonance(hz, f * 0.45, 4)
        return np.asarray(rings * highpass(hz, 300.0, 1), dtype=np.complex128)

"""Wild mammals: wolf, lion, bear, deer, camel, elephant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import (
    Samples,
    curve,
    recital,
    seconds,
    swell,
    tube,
    vocal,
)
from earwitness.voice.dsp import place, slow
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "wolf",
    Control("pitch_hz", "Hz", 200, 900, 430, "of the long part of the howl"),
    Control("count", "", 1, 12, 3, "wolves"),
    source="Theberge & Falls 1967; Palacios et al. 2007; Root-Gutteridge et al. 2014 (150-780 Hz)",
)
def wolf(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return howls of a pack: a quick rise, a long note that wavers or breaks, a fall."""
    out = np.zeros(samples)
    for k in range(min(round(c["count"]), 6)):
        pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.07 if k == 0 else 0.22))

        def howl(r: Rng, pitch: float = pitch) -> Samples:
            n = seconds(r.uniform(2.2, 5.2), rate_hz)
            rise = r.uniform(0.08, 0.25)
            breaks = r.uniform() < 0.35
            points = [r.uniform(0.5, 0.75), r.uniform(0.98, 1.12), 1.0, 0.96, r.uniform(0.55, 0.8)]
            at = [0, rise, rise + 0.2, 0.8, 1]
            if breaks:  # the voice tips over in the middle
                points.insert(3, r.uniform(0.75, 0.88))
                at.insert(3, rise + 0.26)
            f = pitch * curve(n, points, at) * np.exp(0.008 * slow(n, rate_hz, r, 3.0))
            formants = np.array([650.0, 1250.0, 2200.0, 3200.0]) * r.uniform(0.9, 1.1)
            return vocal(
                f,
                swell(n, 0.15, 0.35, 0.7),
                rate_hz,
                r,
                np.array([formants * 0.85, formants, formants * 0.9]),
                breath=0.025,
                jitter=0.002,
                shimmer=0.05,
                sharpness=3,
                tilt_hz=350,
                tilt_db=-13,
            )

        loud = 1.0 if k == 0 else 10 ** (-rng.uniform(1, 12) / 20)
        out += loud * recital(samples, rate_hz, rng, howl, 0.6, 3.0, first_s=0.4 + 2.5 * (k > 0))
    return out


@model(
    "lion",
    Control("pitch_hz", "Hz", 30, 250, 105, "pulses of the full roar"),
    source="Ananthakrishnan et al. 2011; Eklund et al. 2011; Klemuk et al. 2011 (Panthera leo)",
)
def lion(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return bouts: low moans that grow to full roars, then grunts one a second; growls."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.12))
    length_m = 0.38 * np.exp(rng.normal(0, 0.06))

    def roar(r: Rng, length: float, effort: float) -> Samples:
        n = seconds(length, rate_hz)
        f = pitch * (0.55 + 0.55 * effort) * curve(n, [0.75, 1.1, 1.0, 0.6], [0, 0.3, 0.6, 1])
        shapes = np.array(
            [tube(length_m, 8, -0.4), tube(length_m, 8, effort), tube(length_m, 8, -0.3)]
        )
        return vocal(
            f,
            swell(n, 0.3, 0.45, 0.8),
            rate_hz,
            r,
            shapes,
            breath=0.35,
            chaos=0.05 + 0.1 * effort,
            subharmonic=r.uniform(0.2, 0.7),
            sharpness=3.5,
            tilt_hz=450,
            tilt_db=-9,
            shimmer=0.35,
        )

    def bout(r: Rng) -> Samples:
        parts: list[Samples] = []
        if r.uniform() < 0.3:  # a growl, a snarl
            growl = roar(r, r.uniform(1.0, 2.5), 0.1)
            flutter = 1 + 0.5 * np.sin(2 * np.pi * 24 * np.arange(len(growl)) / rate_hz)
            return 0.7 * growl * flutter
        for _ in range(int(r.integers(0, 2))):
            parts += [0.35 * roar(r, r.uniform(0.8, 1.3), 0.2), np.zeros(int(0.3 * rate_hz))]
        for _ in range(int(r.integers(1, 4))):
            parts.append(r.uniform(0.85, 1) * roar(r, r.uniform(1.0, 1.8), r.uniform(0.7, 1)))
            parts.append(np.zeros(int(r.uniform(0.2, 0.5) * rate_hz)))
        grunts = int(r.integers(2, 8))
        for k in range(grunts):
            loud = 0.8 * (1 - 0.7 * k / grunts)
            parts.append(loud * roar(r, r.uniform(0.3, 0.5), 0.5))
            parts.append(np.zeros(int(r.uniform(0.35, 0.6) * rate_hz)))
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, bout, 0.8, 3.0)


@model(
    "bear",
    Control("pitch_hz", "Hz", 30, 200, 78, "pulses of the growl"),
    source="Pokrovskaya 2013; Elfström et al. 2013 (Ursus arctos: growls, huffs)",
)
def bear(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return growls that swell to a roar, huffs of breath and moans."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.12))
    length_m = 0.34 * np.exp(rng.normal(0, 0.07))

    def call(r: Rng) -> Samples:
        kind = r.uniform()
        if kind < 0.25:  # huffs
            parts: list[Samples] = []
            for _ in range(int(r.integers(2, 6))):
                n = seconds(r.uniform(0.15, 0.3), rate_hz)
                huff = vocal(
                    np.full(n, pitch),
                    swell(n, 0.2, 0.6),
                    rate_hz,
                    r,
                    tube(length_m, 8, 0.3),
                    breath=3.0,
                    sharpness=3,
                    tilt_hz=700,
                    tilt_db=-8,
                )
                parts += [0.4 * huff, np.zeros(int(r.uniform(0.15, 0.35) * rate_hz))]
            return np.concatenate(parts)
        effort = r.uniform(0.2, 1.0)
        n = seconds(r.uniform(0.9, 2.8), rate_hz)
        f = pitch * (1 + 0.7 * effort) * curve(n, [0.7, 1.0, 1.1, 0.7])
        shapes = np.array(
            [tube(length_m, 8, -0.3), tube(length_m, 8, effort), tube(length_m, 8, -0.2)]
        )
        tremor = 1 + 0.35 * slow(n, rate_hz, r, 12.0).clip(-2, 2) / 2
        return (0.4 + 0.6 * effort) * vocal(
            f,
            swell(n, 0.25, 0.4) * tremor,
            rate_hz,
            r,
            shapes,
            breath=0.4,
            chaos=r.uniform(0.08, 0.22),
            subharmonic=r.uniform(0, 0.6),
            sharpness=3.5,
            tilt_hz=600,
            tilt_db=-8,
            shimmer=0.5,
        )

    return recital(samples, rate_hz, rng, call, 0.5, 2.5)


@model(
    "deer",
    Control("pitch_hz", "Hz", 60, 250, 112, "fundamental of the roar"),
    source="Reby & McComb 2003; Fitch & Reby 2001 (Cervus elaphus: the larynx goes down)",
)
def deer(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a stag's roars, whose formants fall as the larynx is drawn down, and harsh barks."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.1))
    long_m = 0.68 * np.exp(rng.normal(0, 0.05))

    def roar(r: Rng, length: float, harsh: float) -> Samples:
        n = seconds(length, rate_hz)
        f = pitch * curve(n, [0.8, 1.08, 1.0, 0.8], [0, 0.2, 0.7, 1]) * r.uniform(0.95, 1.06)
        rest = 0.72 * long_m
        shapes = np.array(
            [tube(rest, 12, 0.2), tube(long_m, 12, 0.2), tube(long_m, 12, 0.2), tube(rest, 12, 0)]
        )
        return vocal(
            f,
            swell(n, 0.1, 0.25, 0.7),
            rate_hz,
            r,
            shapes,
            breath=0.2,
            chaos=harsh,
            subharmonic=r.uniform(0, 0.4),
            sharpness=6,
            tilt_hz=1400,
            tilt_db=-7,
            beak_hz=350,
            shimmer=0.3,
        )

    def bout(r: Rng) -> Samples:
        parts: list[Samples] = []
        if r.uniform() < 0.3:  # barks
            for _ in range(int(r.integers(3, 8))):
                parts.append(r.uniform(0.6, 1) * roar(r, r.uniform(0.12, 0.2), 0.1))
                parts.append(np.zeros(int(r.uniform(0.2, 0.4) * rate_hz)))
            return np.concatenate(parts)
        for _ in range(int(r.integers(1, 4))):
            harsh = r.choice([0.02, 0.03, 0.12])
            parts.append(r.uniform(0.7, 1) * roar(r, r.uniform(0.9, 2.4), harsh))
            parts.append(np.zeros(int(r.uniform(0.15, 0.5) * rate_hz)))
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, bout, 0.8, 3.2)


@model(
    "camel",
    Control("pitch_hz", "Hz", 60, 400, 165, "fundamental of the groan"),
    source="Volodin et al. 2019 (Camelus bactrianus, C. dromedarius); Taylor & Reby 2010",
)
def camel(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return long complaining groans that gargle, and bellows."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.12))
    scale = np.exp(rng.normal(0, 0.06))

    def groan(r: Rng) -> Samples:
        n = seconds(r.uniform(0.8, 2.4), rate_hz)
        shape = [r.uniform(0.75, 0.95), 1.05, 1.0, r.uniform(0.7, 1.0)]
        f = pitch * curve(n, shape) * np.exp(0.03 * slow(n, rate_hz, r, 4.0))
        gargle = r.uniform(14, 26)
        depth = r.choice([0.1, 0.35, 0.7])
        beat = np.sin(2 * np.pi * gargle * np.arange(n) / rate_hz + 2 * slow(n, rate_hz, r, 3.0))
        closed = np.array([340.0, 760.0, 1700.0, 2500.0, 3400.0, 5000.0, 7500.0])
        wide = np.array([450.0, 900.0, 1900.0, 2400.0, 3400.0, 5200.0, 7800.0])
        return vocal(
            f,
            swell(n, 0.12, 0.2, 0.7) * (1 - depth * (0.5 - 0.5 * beat)),
            rate_hz,
            r,
            np.array([closed, wide, wide * 0.95, closed]) * scale,
            breath=0.3,
            chaos=r.uniform(0.02, 0.07),
            subharmonic=r.uniform(0, 0.5),
            sharpness=6,
            tilt_hz=1100,
            tilt_db=-7,
            shimmer=0.35,
        )

    return recital(samples, rate_hz, rng, groan, 0.3, 2.6)


@model(
    "elephant",
    Control("pitch_hz", "Hz", 200, 900, 430, "fundamental of the trumpet"),
    Control("rumble_hz", "Hz", 12, 35, 19, "fundamental of the rumble"),
    source="Stoeger et al. 2012; Poole et al. 1988; Berg 1983 (Loxodonta, Elephas)",
)
def elephant(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return trumpets through the trunk, brassy and rough, over rumbles almost too low to hear."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.1))

    def trumpet(r: Rng) -> Samples:
        parts: list[Samples] = []
        for _ in range(int(r.choice([1, 1, 1, 2, 3]))):
            n = seconds(r.uniform(0.5, 1.7), rate_hz)
            points = [0.65, 1.0, r.uniform(0.95, 1.15), r.uniform(0.85, 1.05), 0.62]
            f = pitch * curve(n, points, [0, 0.12, 0.4, 0.75, 1]) * r.uniform(0.93, 1.07)
            formants = np.array([620.0, 1100.0, 1900.0, 2900.0, 4100.0, 5600.0])
            parts.append(
                vocal(
                    f,
                    swell(n, 0.1, 0.3, 0.6),
                    rate_hz,
                    r,
                    formants * r.uniform(0.9, 1.12),
                    breath=0.3,
                    chaos=r.uniform(0.03, 0.11),
                    subharmonic=r.uniform(0, 0.5),
                    sharpness=3.5,
                    tilt_hz=1500,
                    tilt_db=-7,
                    shimmer=0.3,
                )
            )
            parts.append(np.zeros(int(r.uniform(0.1, 0.3) * rate_hz)))
        return np.concatenate(parts)

    out = recital(samples, rate_hz, rng, trumpet, 1.0, 3.8)
    at = rng.uniform(0, 2.0)
    while at * rate_hz < samples:
        n = seconds(rng.uniform(2.5, 4.5), rate_hz)
        f = c["rumble_hz"] * curve(n, [0.85, 1.1, 1.0, 0.85])
        trunk = np.array([35.0, 110.0, 190.0, 280.0, 420.0])
        rumble = vocal(
            f, swell(n, 0.3, 0.4), rate_hz, rng, trunk, breath=0.1, tilt_hz=120, tilt_db=-9
        )
        place(out, rumble, int(at * rate_hz), 0.3)
        at += n / rate_hz + rng.uniform(1.0, 5.0)
    return out

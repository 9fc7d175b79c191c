"""Insects: files and tymbals that tick, wings that hum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import Samples, gaps, seconds, spun, strewn, swell
from earwitness.voice.dsp import band_noise, bandpass, place, scatter, slow
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


def chirps_per_minute(temperature_c: float) -> float:
    """Return how often a cricket chirps at a temperature (Dolbear 1897, in Celsius).

    Dolbear's ``T = 50 + (N - 40) / 4`` in Fahrenheit, turned round.

    Examples
    --------
    >>> round(chirps_per_minute(25.0))
    148
    """
    return max(10.0, 7.2 * temperature_c - 32.0)


def _cricket(
    samples: int, rate_hz: int, rng: Rng, temperature_c: float, pitch_hz: float
) -> Samples:
    """Return one cricket: chirps of three or four pulses of a pure carrier."""
    period = 60.0 / chirps_per_minute(temperature_c)
    # Wing strokes, too, quicken with warmth: 30 Hz at 25 °C.
    stroke = 1 / (30.0 * (temperature_c + 5) / 30.0)
    pulses = 4 if period > 0.42 and rng.uniform() < 0.5 else 3
    stroke = min(stroke, 0.8 * period / pulses)
    grains = []
    for _ in range(5):
        n = seconds((pulses + 0.2) * stroke, rate_hz)
        t = np.arange(n) / rate_hz
        chirp = np.zeros(n)
        for k in range(pulses):
            length = stroke * rng.uniform(0.55, 0.65)
            m = seconds(length, rate_hz)
            # The carrier falls a little within each stroke (Bennet-Clark 1989).
            f = pitch_hz * rng.uniform(0.996, 1.004) * (1.015 - 0.03 * np.arange(m) / m)
            angle = 2 * np.pi * np.cumsum(f) / rate_hz
            tone = np.sin(angle)
            if 2.2 * pitch_hz < 0.48 * rate_hz:
                tone += 0.05 * np.sin(2 * angle)
            if 3.2 * pitch_hz < 0.48 * rate_hz:
                tone += 0.02 * np.sin(3 * angle)
            place(chirp, tone * swell(m, 0.4, 0.5), int(k * stroke * rate_hz), 0.6 + 0.15 * k)
        grains.append(chirp * np.minimum(1, (t[-1] - t) / 0.002 + 1e-3))
    duration = samples / rate_hz
    count = int(duration / period) + 3
    at = rng.uniform(-1, 0) * period + np.cumsum(period * (1 + 0.02 * rng.standard_normal(count)))
    loud = 10 ** (0.6 * rng.standard_normal(count) / 20)
    return scatter(samples, rate_hz, at, grains, loud, rng.integers(0, len(grains), count))


@model(
    "crickets",
    Control("temperature_c", "°C", 10, 38, 24, "of the air: sets the pace (Dolbear)"),
    Control("pitch_hz", "Hz", 2500, 8000, 4600, "carrier"),
    Control("count", "", 1, 60, 9, "crickets"),
    source="Dolbear 1897; Walker 1962; Bennet-Clark 1989 (Gryllus: 4-5 kHz, 30 pulses a second)",
)
def crickets(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return chirping crickets, near and far, and behind many of them a steady trill."""
    count = round(c["count"])
    out = np.zeros(samples)
    for k in range(min(count, 10)):
        pitch = c["pitch_hz"] * (1 if k == 0 else np.exp(rng.normal(0, 0.06)))
        warmth = c["temperature_c"] + (rng.normal(0, 0.5) if k else 0.0)
        loud = 1.0 if k == 0 else 10 ** (-rng.uniform(2, 18) / 20)
        out += loud * _cricket(samples, rate_hz, rng, warmth, pitch)
    if count > 3:
        width = 0.016 * c["pitch_hz"]
        for _ in range(2):
            pitch = c["pitch_hz"] * rng.uniform(0.8, 1.25)
            beat = 45 * (c["temperature_c"] + 5) / 30 * rng.uniform(0.8, 1.2)
            trill = band_noise(samples, rate_hz, rng, pitch - width, pitch + width)
            angle = 2 * np.pi * beat * np.arange(samples) / rate_hz
            depth = 1 + 0.6 * np.sin(angle + 2 * slow(samples, rate_hz, rng, 1.0))
            out += 0.02 * np.sqrt(min(count, 60)) * trill * depth
    return out


@model(
    "cicadas",
    Control("pitch_hz", "Hz", 3000, 14000, 6500, "middle of the band"),
    Control("rate_per_s", "1/s", 60, 500, 190, "clicks of a tymbal"),
    Control("count", "", 1, 60, 8, "cicadas"),
    Control("temperature_c", "°C", 15, 42, 28, "of the air: quickens the clicks"),
    source="Young & Bennet-Clark 1995; Pringle 1954; Sueur 2002 (tymbal clicks, 4-10 kHz)",
)
def cicadas(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return the grating of cicadas: trains of tymbal clicks that swell, pulse and drone."""
    out = np.zeros(samples)
    count = min(round(c["count"]), 6)
    drones = rng.uniform() < 0.5
    pace = 0.6 + 0.4 * c["temperature_c"] / 28
    for k in range(count):
        pitch = min(c["pitch_hz"] * np.exp(rng.normal(0, 0.1 if k else 0.03)), 0.42 * rate_hz)
        rate = c["rate_per_s"] * pace * np.exp(rng.normal(0, 0.08))
        grains = []
        for _ in range(7):
            n = seconds(0.004, rate_hz)
            t = np.arange(n) / rate_hz
            f = pitch * rng.uniform(0.94, 1.06)
            click = np.sin(2 * np.pi * f * t) * np.exp(-t / 0.0007)
            click += (
                0.5 * np.sin(2 * np.pi * min(f * 1.4, 0.47 * rate_hz) * t + 1) * np.exp(-t / 0.0005)
            )
            grains.append(click * np.minimum(1, t / 0.0002))
        clicks = int(samples / rate_hz * rate * 1.1) + 2
        at = np.cumsum((1 + 0.1 * rng.standard_normal(clicks)) / rate)
        loud = 1 + 0.25 * np.where(np.arange(clicks) % 2, 1.0, -1.0)  # the tymbal in, then out
        starts = (at * rate_hz).astype(np.int64)
        train = strewn(samples, starts, np.array(grains), np.asarray(loud))
        if drones and rng.uniform() < 0.7:
            gate = np.exp(0.35 * slow(samples, rate_hz, rng, 0.6))
        else:
            echeme = rng.uniform(2.0, 7.0)
            angle = 2 * np.pi * np.arange(samples) / rate_hz * echeme
            angle += 0.8 * slow(samples, rate_hz, rng, 0.5)
            gate = 0.15 + 0.85 * (0.5 + 0.5 * np.tanh(2.5 * np.sin(angle + rng.uniform(0, 6))))
            gate *= np.exp(0.5 * slow(samples, rate_hz, rng, 0.2))
        out += train * gate * (1.0 if k == 0 else 10 ** (-rng.uniform(3, 16) / 20))
    if round(c["count"]) > 3:
        low, high = 0.75 * c["pitch_hz"], 1.35 * c["pitch_hz"]
        haze = band_noise(samples, rate_hz, rng, low, high)
        out += 0.05 * haze * np.exp(0.2 * slow(samples, rate_hz, rng, 0.5))
    return out


@model(
    "grasshoppers",
    Control("temperature_c", "°C", 12, 40, 26, "of the air: quickens the song"),
    Control("pitch_hz", "Hz", 4000, 18000, 8500, "middle of the band"),
    Control("count", "", 1, 40, 5, "grasshoppers"),
    source="Ragge & Reynolds 1998 (Chorthippus: echemes of syllables, 5-20 kHz); Elsner 1974",
)
def grasshoppers(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return dry rasping echemes: rows of noisy syllables that grow, with rests between."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    warmth = 0.35 + 0.65 * c["temperature_c"] / 26
    low, high = 0.55 * c["pitch_hz"], min(1.9 * c["pitch_hz"], 0.47 * rate_hz)
    low = min(low, 0.25 * rate_hz)
    for k in range(min(round(c["count"]), 8)):
        syllable = rng.uniform(14, 55) * warmth
        length = np.exp(rng.uniform(np.log(0.25), np.log(1.8))) / warmth
        rest = rng.uniform(0.8, 2.0) * length + 0.3
        colour = np.exp(rng.normal(0, 0.12))
        own_low, own_high = low * colour, min(high * colour, 0.48 * rate_hz)
        for onset in gaps(rng, duration, length + 0.5 * rest, length + 1.3 * rest, first_s=0.6):
            n = seconds(length * rng.uniform(0.85, 1.15), rate_hz)
            t = np.arange(n) / rate_hz
            x = (t * syllable * rng.uniform(0.97, 1.03)) % 1.0
            teeth = np.sqrt(np.maximum(np.sin(np.pi * np.minimum(x / 0.7, 1)), 0)) * (x < 0.7)
            hiss = bandpass(rng.standard_normal(n) ** 3, rate_hz, own_low, own_high, order=4)
            loud = 1.0 if k == 0 else 10 ** (-rng.uniform(2, 14) / 20)
            place(out, hiss * teeth * swell(n, 0.6, 0.12), int(onset * rate_hz), loud)
    return out


def _wings(count: int, slope: float, rng: Rng) -> Samples:
    k = np.arange(1, count + 1)
    return np.asarray(k**-slope * np.exp(0.35 * rng.standard_normal(count)))


@model(
    "bees",
    Control("pitch_hz", "Hz", 150, 400, 230, "wing beats a second"),
    Control("count", "", 1, 1000, 20, "bees"),
    source="Bencsik et al. 2011; King, Buchmann & Spivak 1996 (Apis mellifera: 190-250 Hz)",
)
def bees(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return humming wings: bees that pass near, and the hum of the many."""
    count = round(c["count"])
    out = np.zeros(samples)
    for _ in range(min(count, 6)):
        drift = 0.03 * slow(samples, rate_hz, rng, 1.5) + 0.04 * slow(samples, rate_hz, rng, 0.3)
        own = 0.0 if count == 1 else rng.normal(0, 0.07)
        f = c["pitch_hz"] * np.exp(np.clip(own + drift, -0.3, 0.3))
        near = np.exp(
            np.clip((0.3 if count == 1 else 0.9) * slow(samples, rate_hz, rng, 0.5), -3, 2)
        )
        flutter = 1 + 0.15 * slow(samples, rate_hz, rng, 30.0)
        buzz = spun(f, rate_hz, _wings(30, rng.uniform(0.8, 1.2), rng), rng)
        out += buzz * near * flutter
    if count > 3:
        for order, level in ((1, 0.4), (2, 0.35), (3, 0.15)):
            low, high = 0.88 * order * c["pitch_hz"], 1.13 * order * c["pitch_hz"]
            out += level * np.log10(count) * band_noise(samples, rate_hz, rng, low, high)
    out += 0.04 * band_noise(samples, rate_hz, rng, 800, 6000)
    return out


@model(
    "fly",
    Control("pitch_hz", "Hz", 120, 300, 190, "wing beats a second"),
    Control("count", "", 1, 10, 1, "flies"),
    source="Sotavalta 1947; Webb 1945 (Musca domestica: 180-220 wing beats a second)",
)
def fly(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return flights of a fly: sudden turns, passes close by, short rests."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    for _ in range(min(round(c["count"]), 5)):
        f = np.full(samples, 1.0)
        loud = np.zeros(samples)
        at = 0.0
        while at < duration:
            length = rng.uniform(0.8, 4.5)
            first = int(at * rate_hz)
            n = min(seconds(length, rate_hz), samples - first)
            if n < 16:
                break
            path = 0.05 * slow(n, rate_hz, rng, 4.0) + 0.05 * slow(n, rate_hz, rng, 0.8)
            f[first : first + n] = np.exp(np.clip(path, -0.35, 0.35))
            near = np.exp(np.clip(0.8 * slow(n, rate_hz, rng, 1.2), -2.5, 1.5))
            loud[first : first + n] = near * swell(n, min(0.3, 0.15 / length), 0.1 / length)
            at += length + (rng.uniform(0.05, 0.9) if rng.uniform() < 0.6 else 0.02)
        tone = spun(c["pitch_hz"] * f, rate_hz, _wings(34, 0.85, rng), rng)
        out += tone * loud * (1 + 0.12 * slow(samples, rate_hz, rng, 40.0))
    return out


@model(
    "mosquito",
    Control("pitch_hz", "Hz", 300, 900, 520, "wing beats a second"),
    Control("count", "", 1, 10, 1, "mosquitoes"),
    source="Arthur et al. 2014; Gibson & Russell 2006 (Aedes, Anopheles: 400-650 Hz)",
)
def mosquito(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return the whine of a mosquito that comes to the ear and goes."""
    out = np.zeros(samples)
    for k in range(min(round(c["count"]), 6)):
        drift = 0.015 * slow(samples, rate_hz, rng, 5.0) + 0.035 * slow(samples, rate_hz, rng, 0.7)
        own = rng.normal(0, 0.05) if k else 0.0
        f = c["pitch_hz"] * np.exp(np.clip(own + drift, -0.2, 0.2))
        near = np.exp(np.clip(0.6 * slow(samples, rate_hz, rng, 0.6), -2, 1.5))
        slope = rng.uniform(0.4, 1.3)
        out += near * spun(f, rate_hz, _wings(26, slope, rng), rng)
    return out + 0.01 * band_noise(samples, rate_hz, rng, 500, 6000)

"""Habitats: many animals at their distances, under the echo of the place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony import birds, frogs, insects, small, songbirds, wild
from earwitness.voice.biophony.tract import (
    Samples,
    curve,
    distant,
    recital,
    seconds,
    swell,
    tail,
    whistled,
)
from earwitness.voice.dsp import unit
from earwitness.voice.model import MODELS, Control, Function, model

Controls = Mapping[str, float]
Rng = np.random.Generator


def _layer(
    function: Function,
    concept: str,
    samples: int,
    rate_hz: int,
    rng: Rng,
    level_db: float,
    **wanted: float,
) -> Samples:
    """Return a model's sound at unit RMS times a level, with its own draw of chance."""
    sound = function(samples, rate_hz, rng, MODELS[concept].settings(wanted))
    return np.asarray(unit(sound) * 10 ** (level_db / 20))


@model(
    "dawn-chorus",
    Control("strength", "", 0.1, 1, 0.7, "how many sing"),
    source="Brown & Handford 2003; Farina et al. 2015 (layers of a temperate dawn, 1-8 kHz)",
)
def dawn_chorus(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a wood at dawn: some birds near, many far, all in the tail of the trees."""
    near = np.zeros(samples)
    far = np.zeros(samples)
    singers: list[tuple[Function, str, float]] = [
        (songbirds.blackbird, "blackbird", 0.0),
        (songbirds.songbird, "songbird", -1.0),
        (songbirds.great_tit, "great-tit", -4.0),
        (songbirds.songbird, "songbird", -3.0),
        (songbirds.nightingale, "nightingale", -5.0),
    ]
    order = rng.permutation(len(singers))
    for k in order[: 1 + round(2 * c["strength"])]:
        function, concept, level = singers[int(k)]
        near += _layer(function, concept, samples, rate_hz, rng, level - rng.uniform(0, 5))
    pitches = rng.uniform(2300, 5600, 1 + round(3 * c["strength"]))
    for pitch in pitches:
        level = -rng.uniform(3, 10)
        args = (samples, rate_hz, rng, level)
        far += _layer(songbirds.songbird, "songbird", *args, pitch_hz=float(pitch))
    far += _layer(songbirds.blackbird, "blackbird", samples, rate_hz, rng, -5.0)
    others: list[tuple[Function, str, float]] = [
        (birds.pigeon, "pigeon", -14.0),
        (birds.cuckoo, "cuckoo", -15.0),
        (birds.crow, "crow", -18.0),
        (songbirds.sparrow, "sparrow", -10.0),
    ]
    for k in rng.permutation(len(others))[:1]:
        function, concept, level = others[int(k)]
        far += _layer(function, concept, samples, rate_hz, rng, level - rng.uniform(0, 4))
    wood = distant(far, rate_hz, 0.6) * (0.4 + 0.6 * c["strength"])
    return tail(near + wood, rate_hz, rng, 1.1, 0.3, low_hz=800, high_hz=7000)


def _whoops(samples: int, rate_hz: int, rng: Rng) -> Samples:
    """Return the rising whoops of a spotted hyena, far off (East & Hofer 1991)."""
    base = rng.uniform(260, 360)

    def bout(r: Rng) -> Samples:
        parts: list[Samples] = []
        for k in range(int(r.integers(3, 8))):
            n = seconds(r.uniform(0.9, 1.5), rate_hz)
            top = base * r.uniform(1.8, 2.6)
            f = curve(n, [base, 1.1 * base, top, 0.8 * top], [0, 0.6, 0.92, 1])
            loud = swell(n, 0.35, 0.1) * (1 - 0.08 * k)
            parts.append(whistled(f, loud, rate_hz, (1.0, 0.4, 0.2, 0.1)))
            parts.append(np.zeros(int(r.uniform(0.6, 1.3) * rate_hz)))
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, bout, 5.0, 14.0, first_s=6.0)


def _pipes(samples: int, rate_hz: int, rng: Rng, pitch_hz: float, period_s: float) -> Samples:
    """Return a scops owl or a tink frog: one short pure note, again and again."""

    def note(r: Rng) -> Samples:
        n = seconds(r.uniform(0.12, 0.2), rate_hz)
        f = pitch_hz * curve(n, [1.03, 1.0, 0.93]) * r.uniform(0.99, 1.01)
        return whistled(f, swell(n, 0.2, 0.4), rate_hz, (1.0, 0.03))

    return recital(samples, rate_hz, rng, note, 0.85 * period_s, 1.15 * period_s, first_s=2.0)


@model(
    "savanna-night",
    Control("temperature_c", "°C", 10, 35, 22, "of the air: sets the pace of the crickets"),
    Control("strength", "", 0.1, 1, 0.6, "how many call"),
    source="Estes 1991 (calls of African mammals); Dolbear 1897; East & Hofer 1991",
)
def savanna_night(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a warm open night: crickets all around, frogs at a pool, now and then a far lion."""
    warm = c["temperature_c"]
    pitch = float(rng.uniform(3600, 4800))
    args = (samples, rate_hz, rng)
    out = _layer(
        insects.crickets, "crickets", *args, 0.0, temperature_c=warm, pitch_hz=pitch, count=6
    )
    out += _layer(
        insects.crickets,
        "crickets",
        *args,
        -5.0,
        temperature_c=warm,
        pitch_hz=pitch * float(rng.choice([0.68, 1.45])),
        count=4,
    )
    pond = _layer(frogs.frogs, "frogs", *args, -9.0 + 5 * c["strength"], count=5)
    out += distant(pond, rate_hz, 0.8)
    far = 0.35 * _pipes(samples, rate_hz, rng, rng.uniform(1200, 1500), rng.uniform(2.2, 3.4))
    beast = rng.uniform()
    if beast < 0.35:
        far += _layer(wild.lion, "lion", *args, -2.0)
    elif beast < 0.75:
        far += 0.5 * _whoops(samples, rate_hz, rng)
    else:
        far += _layer(birds.owl, "owl", *args, -4.0)
    far = tail(far, rate_hz, rng, 1.4, 0.35, low_hz=100, high_hz=2500)
    return np.asarray(out + (0.5 + 0.8 * c["strength"]) * distant(far, rate_hz, 0.9))


@model(
    "tropical-forest",
    Control("temperature_c", "°C", 18, 38, 27, "of the air: quickens the insects"),
    Control("strength", "", 0.1, 1, 0.6, "how many call"),
    source="Sueur & Farina 2015; Pijanowski et al. 2011; Lellouch et al. 2014 (layers of a forest)",
)
def tropical_forest(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a rain forest: bands of insects, piping frogs, strange birds, far apes or parrots."""
    args = (samples, rate_hz, rng)
    warm = c["temperature_c"]
    haze = _layer(
        insects.cicadas,
        "cicadas",
        *args,
        -6.0 + rng.uniform(-5, 2),
        pitch_hz=float(rng.uniform(4500, 8500)),
        temperature_c=warm,
        count=2,
    )
    haze += _layer(
        insects.crickets,
        "crickets",
        *args,
        -3.0,
        temperature_c=warm,
        pitch_hz=float(rng.uniform(3300, 5600)),
        count=4,
    )
    calls = 0.4 * _pipes(samples, rate_hz, rng, rng.uniform(1600, 2900), rng.uniform(0.5, 1.4))
    for _ in range(1 + round(1.6 * c["strength"])):
        pitch = float(np.exp(rng.uniform(np.log(1500), np.log(4200))))
        calls += _layer(songbirds.songbird, "songbird", *args, -rng.uniform(2, 9), pitch_hz=pitch)
    far = np.zeros(samples)
    visitor = rng.uniform()
    if visitor < 0.35:
        far += _layer(birds.parrot, "parrot", *args, -8.0, count=3)
    elif visitor < 0.65:
        far += _layer(small.monkey, "monkey", *args, -8.0, count=1)
    elif visitor < 0.85:
        far += _layer(frogs.frogs, "frogs", *args, -8.0, count=4)
    place_ = calls + distant(far, rate_hz, 0.7)
    wood = tail(place_, rate_hz, rng, 1.3, 0.35, low_hz=500, high_hz=6000)
    return np.asarray(haze + (0.6 + 0.7 * c["strength"]) * wood)

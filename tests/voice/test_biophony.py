"""Animals: what was published about their calls, measured on what is rendered."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

import earwitness.voice.biophony
from earwitness.scene import concepts
from earwitness.voice.biophony.horse import gait
from earwitness.voice.biophony.tract import buzz, curve, formed, gaps, swell, whistled
from earwitness.voice.model import MODELS

RATE = 48000
ANIMALS = [key for key, concept in concepts().items() if concept.family == "biophony"]
QUICK_RATE = 24000


def render(concept, seconds=10.0, rate=RATE, seed=1, **wanted):
    model = MODELS[concept]
    rng = np.random.default_rng(seed)
    return model.function(round(seconds * rate), rate, rng, model.settings(wanted))


def envelope(x, rate=RATE, corner=60.0):
    sos = signal.butter(2, corner, fs=rate, output="sos")
    return np.maximum(signal.sosfiltfilt(sos, np.abs(x)), 0)


def runs(x, rate=RATE, level=0.2, join_s=0.0, corner=60.0):
    """Onsets and ends in seconds of what is louder than a share of the loudest."""
    e = envelope(x, rate, corner)
    loud = np.concatenate([[False], e > level * e.max(), [False]])
    edges = np.flatnonzero(np.diff(loud.astype(int)))
    on, off = edges[::2] / rate, edges[1::2] / rate
    if len(on) > 1:
        apart = on[1:] - off[:-1] > join_s
        on = on[np.concatenate([[True], apart])]
        off = off[np.concatenate([apart, [True]])]
    return on, off


def spectrum(x, rate=RATE, size=8192):
    f, p = signal.welch(x, rate, nperseg=min(size, len(x)), nfft=4 * size)
    return f, p


def peak_hz(x, low, high, rate=RATE, size=8192):
    f, p = spectrum(x, rate, size)
    inside = (f >= low) & (f <= high)
    return float(f[inside][np.argmax(p[inside])])


def fundamental_hz(x, low, high, rate=RATE):
    """By autocorrelation of a stretch."""
    x = x - x.mean()
    n = int(2 ** np.ceil(np.log2(2 * len(x))))
    r = np.fft.irfft(np.abs(np.fft.rfft(x, n)) ** 2)
    lags = np.arange(int(rate / high), int(rate / low) + 1)
    return rate / float(lags[np.argmax(r[lags] * (1 - lags / len(x)))])


def test_every_animal_of_the_vocabulary_has_a_model():
    assert set(ANIMALS) <= set(MODELS)
    assert earwitness.voice.biophony.__doc__


@pytest.mark.parametrize("concept", ANIMALS)
def test_it_sounds_within_six_seconds_is_finite_and_varies(concept):
    x = render(concept, 8.0, QUICK_RATE, seed=3)
    assert x.shape == (8 * QUICK_RATE,) and x.dtype == np.float64
    assert np.isfinite(x).all()
    # Somewhere in any six seconds it is heard.
    power = np.convolve(x**2, np.ones(QUICK_RATE // 10), "valid")[:: QUICK_RATE // 10]
    heard = power > 1e-3 * power.max()
    longest = max(len(s) for s in "".join("01"[int(h)] for h in heard).split("1"))
    assert longest < 60
    # Another seed is another sound, not the same one louder.
    y = render(concept, 8.0, QUICK_RATE, seed=4)
    likeness = abs(np.vdot(x, y)) / np.sqrt(np.vdot(x, x) * np.vdot(y, y))
    assert likeness < 0.5


@pytest.mark.parametrize("concept", ANIMALS)
@pytest.mark.parametrize("rate", [8000, 192000])
def test_any_rate_and_any_end_of_its_controls(concept, rate):
    model = MODELS[concept]
    for values in ("low", "high"):
        wanted = {c.name: getattr(c, values) for c in model.controls}
        x = model.function(rate // 4, rate, np.random.default_rng(5), model.settings(wanted))
        assert x.shape == (rate // 4,) and np.isfinite(x).all()


@pytest.mark.parametrize("concept", ["dog", "crickets", "whale", "dawn-chorus"])
def test_the_same_seed_gives_the_same_sound(concept):
    assert np.array_equal(render(concept, 2.0, seed=9), render(concept, 2.0, seed=9))


@pytest.mark.parametrize("temperature", [15.0, 20.0, 25.0, 30.0])
def test_crickets_keep_dolbears_law(temperature):
    # 1897: T(°F) = 50 + (N - 40) / 4, so N = 4 T(°F) - 160.
    x = render("crickets", 20.0, temperature_c=temperature, count=1)
    on, _ = runs(x, corner=25.0, level=0.2, join_s=0.06)
    per_minute = 60 * (len(on) - 1) / (on[-1] - on[0])
    assert per_minute == pytest.approx(4 * (1.8 * temperature + 32) - 160, rel=0.05)


def test_crickets_carrier_and_pulses():
    x = render("crickets", 10.0, temperature_c=25.0, count=1, pitch_hz=4600.0)
    assert peak_hz(x, 1000, 10000) == pytest.approx(4600, rel=0.02)
    # Thirty wing strokes a second within a chirp at 25 °C, three or four to a chirp.
    on, _ = runs(x, corner=120.0, level=0.25)
    steps = np.diff(on)
    inside = steps[steps < 0.06]
    assert 1 / np.median(inside) == pytest.approx(30, rel=0.07)
    assert 1.9 <= len(inside) / (10 * 148 / 60) <= 3.1  # two or three gaps in a chirp


def test_cuckoo_sings_a_falling_third():
    x = render("cuckoo", 10.0, seed=2)
    on, off = runs(x, level=0.25)
    tones = np.array([peak_hz(x[int(a * RATE) : int(b * RATE)], 400, 900) for a, b in zip(on, off)])
    high, low = tones[tones > tones.mean()], tones[tones <= tones.mean()]
    assert np.median(high) == pytest.approx(667, rel=0.03)
    # A minor third is three semitones, a major one four.
    assert 3 <= 12 * np.log2(np.median(high) / np.median(low)) <= 4


@pytest.mark.parametrize("rate", [12.0, 17.0, 24.0])
def test_woodpecker_strikes_as_often_as_told_and_quickens(rate):
    x = render("woodpecker", 12.0, strikes_per_s=rate, seed=4)
    on, _ = runs(x, level=0.15, corner=90.0)
    drums = np.split(on, np.flatnonzero(np.diff(on) > 0.5) + 1)
    drum = max(drums, key=len)
    gaps_s = np.diff(drum)
    third = max(2, len(gaps_s) // 3)
    assert 1 / gaps_s[:third].mean() == pytest.approx(rate, rel=0.12)
    assert gaps_s[-third:].mean() < gaps_s[:third].mean()
    assert 0.3 < drum[-1] - drum[0] < 1.3


def test_dog_barks_last_and_lie_as_published():
    # Feddersen-Petersen 2000, Yin & McCowan 2004: a fifth of a second, 400-900 Hz.
    lengths, pitches = [], []
    for seed in range(5):
        x = render("dog", 10.0, seed=seed)
        on, off = runs(x, level=0.12, corner=40.0)
        lengths += (off - on).tolist()
        middles = [(a + b) / 2 for a, b in zip(on, off)]
        pitches += [
            fundamental_hz(x[int((m - 0.03) * RATE) : int((m + 0.03) * RATE)], 250, 1200)
            for m in middles
        ]
    assert 0.1 < np.median(lengths) < 0.3
    assert 350 < np.median(pitches) < 900


@pytest.mark.parametrize(("concept", "pitch"), [("bees", 230.0), ("fly", 190.0), ("mosquito", 520)])
def test_wings_beat_at_their_rate_with_harmonics(concept, pitch):
    x = render(concept, 10.0, count=1)
    f = peak_hz(x, 0.7 * pitch, 1.4 * pitch, size=4096)
    assert f == pytest.approx(pitch, rel=0.12)
    freqs, p = spectrum(x, size=4096)
    for k in (2, 3):
        there = p[np.abs(freqs - k * f) < 0.2 * f].max()
        between = p[np.abs(freqs - (k + 0.5) * f) < 0.08 * f].mean()
        assert there > 4 * between


@pytest.mark.parametrize(("concept", "beat"), [("sheep", 8.5), ("goat", 11.0)])
def test_bleats_tremble_at_their_rate(concept, beat):
    found = []
    for seed in range(6):
        x = render(concept, 10.0, seed=seed, count=1, tremor_hz=beat)
        for a, b in zip(*runs(x, level=0.12, join_s=0.12, corner=30.0)):
            e = envelope(x[int(a * RATE) : int(b * RATE)], corner=30.0)[:: RATE // 1000]
            if len(e) < 500:
                continue
            e = signal.detrend(e) * np.hanning(len(e))
            f = np.fft.rfftfreq(16384, 1e-3)
            p = np.abs(np.fft.rfft(e, 16384))
            inside = (f > 4.5) & (f < 20)
            found.append(f[inside][np.argmax(p[inside])])
    assert len(found) > 5
    assert np.median(found) == pytest.approx(beat, rel=0.12)


def test_owl_hoots_are_nearly_pure():
    x = render("owl", 10.0)
    f = peak_hz(x, 100, 2000)
    assert f == pytest.approx(350, rel=0.07)
    freqs, p = spectrum(x)
    assert p[np.abs(freqs - f) < 60].sum() > 0.9 * p.sum()


@pytest.mark.parametrize("period", [0.3, 0.45])
def test_great_tit_alternates_two_notes_in_its_period(period):
    x = render("great-tit", 10.0, period_s=period, pitch_hz=3700, seed=2)
    on, off = runs(x, level=0.15)
    tones = np.array(
        [peak_hz(x[int(a * RATE) : int(b * RATE)], 2500, 8000, size=1024) for a, b in zip(on, off)]
    )
    low = tones < tones.mean()
    assert np.median(tones[low]) == pytest.approx(3700, rel=0.08)
    assert 1.2 < np.median(tones[~low]) / np.median(tones[low]) < 1.6
    steps = np.diff(on[low])
    assert np.median(steps[steps < 1.5 * period]) == pytest.approx(period, rel=0.05)


@pytest.mark.parametrize(
    ("concept", "low", "high"),
    [
        ("cow", 60, 1500),
        ("lion", 50, 1200),
        ("bear", 40, 1800),
        ("wolf", 250, 1300),
        ("whale", 40, 3000),
        ("crow", 500, 4000),
        ("duck", 500, 5000),
        ("blackbird", 1300, 3500),
        ("skylark", 1800, 7000),
        ("sparrow", 1800, 7500),
        ("cicadas", 4000, 11000),
        ("grasshoppers", 4000, 18000),
        ("snake", 2000, 18000),
        ("dolphin", 3500, 20000),
        ("pigeon", 250, 1000),
    ],
)
def test_most_of_the_power_lies_in_the_published_band(concept, low, high):
    f, p = spectrum(render(concept, 10.0, seed=2), size=4096)
    assert p[(f >= low) & (f <= high)].sum() > 0.7 * p.sum()


def test_a_turkey_gobbles_as_often_a_second_as_told():
    found = []
    for seed in range(4):
        on, _ = runs(render("turkey", 10.0, seed=seed, rate_per_s=12.5, count=1), corner=70.0)
        steps = np.diff(on)
        found += steps[(steps > 0.05) & (steps < 0.12)].tolist()
    assert 1 / np.median(found) == pytest.approx(12.5, rel=0.06)


def test_a_rattle_ticks_twice_a_stroke():
    x = render("snake", 10.0, rate_per_s=50.0)
    e = envelope(x, corner=300.0)[::24]
    f, p = signal.welch(e - e.mean(), 2000, nperseg=4096)
    inside = (f > 30) & (f < 140)
    best = f[inside][np.argmax(p[inside])]
    assert min(abs(best - 50) / 50, abs(best - 100) / 100) < 0.15


def test_a_bat_sweeps_down_in_the_ultrasound_where_the_rate_holds_it():
    x = render("bat", 3.0, 192000, count=1)
    f, p = spectrum(x, 192000)
    ultra = p[(f > 40000) & (f < 90000)].sum()
    assert ultra > 0.5 * p[f > 20000].sum()
    y = render("bat", 3.0, 48000, count=1)
    f, p = spectrum(y)
    assert p[(f > 4000) & (f < 15000)].sum() > 0.8 * p.sum()


def test_gaits_have_their_beats():
    beats = [sum(np.diff([*gait(v)[1], 1.0]) > 0.05) for v in (1.5, 3.2, 6.0)]
    assert beats == [4, 2, 3]
    assert gait(1.5)[0] < gait(3.2)[0] < gait(6.0)[0] < gait(13.0)[0]


@pytest.mark.parametrize("concept", ["dog", "sheep", "crow"])
def test_no_call_comes_twice(concept):
    x = render(concept, 20.0, seed=6, count=1)
    on, off = runs(x, level=0.15, join_s=0.06, corner=40.0)
    calls = [x[int(a * RATE) : int(b * RATE)] for a, b in zip(on, off) if b - a > 0.08][:12]
    assert len(calls) > 3
    for i, a in enumerate(calls):
        for b in calls[:i]:
            top = np.abs(signal.fftconvolve(a, b[::-1])).max()
            assert top < 0.9 * np.sqrt(np.vdot(a, a) * np.vdot(b, b))


def test_a_buzz_has_all_harmonics_alike_and_none_above_nyquist():
    f0 = np.full(RATE, 1000.0)
    x = buzz(f0, RATE, np.random.default_rng(1), jitter=0.0, shimmer=0.0)
    p = np.abs(np.fft.rfft(x))
    peaks = p[1000:22001:1000].copy()
    assert peaks.max() < 1.02 * peaks.min()
    p[0::1000] = 0
    assert p.max() < 1e-3 * peaks.min()


def test_a_tract_lifts_its_formants_and_keeps_the_rest():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(4 * RATE)
    f, before = spectrum(noise, size=1024)
    _, after = spectrum(formed(noise, RATE, [700.0, 1800.0, 3000.0], tilt_db=0.0), size=1024)
    gain = 10 * np.log10(after / before)
    at = [float(np.median(gain[np.abs(f - c) < 40])) for c in (700, 1250, 1800, 2400, 3000)]
    assert min(at[0], at[2]) > max(at[1], at[3]) + 4 and at[4] > at[3] + 2


def test_helpers_keep_their_promises():
    assert curve(100, [100, 200, 50]).min() >= 49.99
    assert swell(1000, 0.2, 0.3).max() == pytest.approx(1.0)
    tone = whistled(np.full(4800, 15000.0), np.ones(4800), RATE, (1.0, 1.0))
    assert np.abs(np.fft.rfft(tone)).argmax() == 1500  # no second harmonic, no alias of it
    onsets = gaps(np.random.default_rng(3), 100.0, 1.0, 2.0)
    assert min(np.diff(onsets)) >= 1.0 and max(np.diff(onsets)) <= 2.0

"""Instruments against the acoustics of instruments, measured from what is rendered."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy import signal, special

from earwitness.voice import dsp
from earwitness.voice.model import MODELS
from earwitness.voice.music import choir, drums, reeds, score, struck

for _name in ("blown", "bowed", "choir", "drums", "plucked", "reeds", "struck"):
    importlib.import_module(f"earwitness.voice.music.{_name}")
EVERY = [key for key, made in MODELS.items() if ".music." in made.function.__module__]
RATE = 48000


def render(key: str, seconds: float, *, seed: int = 1, rate: int = RATE, **wanted: float):
    made = MODELS[key]
    return made.function(
        round(seconds * rate), rate, np.random.default_rng(seed), made.settings(wanted)
    )


def strongest_near(x: np.ndarray, f0: float, rate: int = RATE, width: float = 0.03) -> float:
    """Return the frequency of the strongest line within ±3 % of ``f0``."""
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), size))
    f = np.fft.rfftfreq(size, 1 / rate)
    near = np.abs(f / f0 - 1) < width
    return float(f[near][np.argmax(spectrum[near])])


def band_db(x: np.ndarray, low: float, high: float, rate: int = RATE) -> float:
    f, p = signal.welch(x, rate, nperseg=8192)
    return 10 * float(np.log10(p[(f >= low) & (f < high)].sum() + 1e-30))


def test_all_fifteen_are_there() -> None:
    assert len(EVERY) == 15


@pytest.mark.parametrize("key", EVERY)
@pytest.mark.parametrize("rate", [8000, 22050, 96000])
def test_sounds_at_any_rate(key: str, rate: int) -> None:
    x = render(key, 1.5, rate=rate)
    assert x.shape == (round(1.5 * rate),)
    assert x.dtype == np.float64
    assert np.isfinite(x).all()
    assert x.std() > 0


@pytest.mark.parametrize("key", EVERY)
def test_seed_makes_it_and_another_makes_another(key: str) -> None:
    a, again, b = (render(key, 2.0, rate=16000, seed=s) for s in (3, 3, 4))
    assert np.array_equal(a, again)
    assert abs(float(np.corrcoef(a, b)[0, 1])) < 0.6


@pytest.mark.parametrize("key", EVERY)
@pytest.mark.parametrize("end", ["low", "high"])
def test_ends_of_every_control_sound(key: str, end: str) -> None:
    wanted = {c.name: getattr(c, end) for c in MODELS[key].controls}
    x = render(key, 2.0, rate=24000, **wanted)
    assert np.isfinite(x).all()
    assert x.std() > 0


@pytest.mark.parametrize("key", EVERY)
def test_very_short_sounds_are_made_too(key: str) -> None:
    assert np.isfinite(render(key, 0.02)).all()


# --- the score ---


@pytest.mark.parametrize("seed", range(5))
def test_tunes_keep_to_their_key_range_and_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key = score.draw_key(rng, 262.0, "major")
    notes = score.melody(rng, 30.0, 100.0, key, lowest=-2, highest=10)
    assert all(0 <= n.start_s < 30.0 and 0 < n.velocity <= 1 for n in notes)
    semitones = np.array([12 * np.log2(n.pitch_hz / key.tonic_hz) for n in notes])
    assert np.abs(semitones - np.round(semitones)).max() < 1e-6
    assert set(np.round(semitones).astype(int) % 12) <= set(score.SCALES["major"])
    assert semitones.min() >= -3 - 1e-6
    assert semitones.max() <= 17 + 1e-6
    # Mostly steps: a melody is a walk (Vos & Troost 1989: over half are within two semitones).
    assert np.mean(np.abs(np.diff(semitones)) <= 4.01) > 0.5


def test_tempo_sets_how_many_notes_there_are() -> None:
    def count(tempo: float) -> int:
        rng = np.random.default_rng(1)
        return len(score.melody(rng, 60.0, tempo, score.Key(262.0, score.SCALES["major"])))

    assert count(160.0) / count(80.0) == pytest.approx(2.0, rel=0.15)


# --- strings ---


@pytest.mark.parametrize("pitch", [110.0, 261.63, 523.25])
def test_piano_partials_are_stretched_as_fletcher_found(pitch: float) -> None:
    note = score.Note(0.0, 4.0, pitch, 0.7)
    x = struck.piano_tone(RATE, np.random.default_rng(1), note, 3 * RATE)
    count = min(8, int(5000 / pitch))
    b = struck.piano_inharmonicity(pitch)
    for n in range(1, count):
        expected = n * pitch * np.sqrt(1 + b * n * n)
        assert strongest_near(x, expected, width=0.02) == pytest.approx(expected, rel=6e-4)


def test_piano_inharmonicity_is_as_measured() -> None:
    # Young 1952 and Fletcher 1964: some 1–4 × 10⁻⁴ in the middle, 10⁻² and more at the top,
    # least in the tenor.
    at = {
        note: struck.piano_inharmonicity(f)
        for note, f in {"A0": 27.5, "E3": 164.8, "C4": 261.6, "C8": 4186.0}.items()
    }
    assert 1e-4 < at["C4"] < 6e-4
    assert 0.5e-2 < at["C8"] < 3e-2
    assert at["E3"] < at["A0"]
    assert at["E3"] < at["C4"] < at["C8"]


def test_piano_falls_fast_then_slowly_and_sooner_in_the_treble() -> None:
    def curve(pitch: float) -> np.ndarray:
        note = score.Note(0.0, 9.0, pitch, 0.7)
        x = struck.piano_tone(16000, np.random.default_rng(1), note, 6 * 16000)
        return 10 * np.log10((x.reshape(-1, 1600) ** 2).mean(axis=1) + 1e-30)

    middle, treble = curve(262.0), curve(1047.0)
    assert middle[1] - middle[11] > middle[40] - middle[50] + 1.5  # Weinreich's two stages
    assert treble[1] - treble[21] > middle[1] - middle[21] + 3


def test_harder_blows_are_brighter() -> None:
    def share(velocity: float) -> float:
        note = score.Note(0.0, 2.0, 262.0, velocity)
        x = struck.piano_tone(RATE, np.random.default_rng(1), note, RATE)
        return band_db(x, 1500, 6000) - band_db(x, 200, 600)

    assert share(0.95) > share(0.3) + 6


@pytest.mark.parametrize("pitch", [82.41, 196.0, 659.26])
@pytest.mark.parametrize("rate", [16000, 48000])
def test_plucked_strings_are_in_tune_and_decay_as_asked(pitch: float, rate: int) -> None:
    x = dsp.plucked(3 * rate, rate, np.random.default_rng(1), pitch, decay_s=2.0)
    assert strongest_near(x, pitch, rate) == pytest.approx(pitch, rel=1e-3)
    low = dsp.bandpass(x, rate, 0.8 * pitch, 1.2 * pitch)
    power = [np.mean(low[round(t * rate) : round((t + 0.3) * rate)] ** 2) for t in (0.5, 1.5)]
    assert 10 * np.log10(power[0] / power[1]) == pytest.approx(30.0, abs=2.5)


def test_plucking_at_a_third_leaves_out_every_third_harmonic() -> None:
    levels = np.zeros(6)
    for seed in range(8):
        x = dsp.plucked(
            RATE, RATE, np.random.default_rng(seed), 220.0, position=1 / 3, brightness=0.8
        )
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
        levels += [spectrum[220 * n - 3 : 220 * n + 4].sum() for n in range(1, 7)]
    levels_db = 10 * np.log10(levels)
    assert levels_db[2] < min(levels_db[1], levels_db[3]) - 10


@pytest.mark.parametrize("key", ["violin", "cello"])
def test_bowed_strings_have_all_harmonics_and_a_vibrato(key: str) -> None:
    rng = np.random.default_rng(2)
    note = [score.Note(0.0, 4.0, 330.0, 0.8)]
    pitch, level = score.line(
        4 * 8000, 8000, rng, note, glide_s=0.04, attack_s=0.08, release_s=0.1, vibrato_hz=5.9
    )
    cents = 1200 * np.log2(pitch[8000:28000] / 330.0)
    f, p = signal.welch(signal.detrend(cents), 8000, nperseg=16000)
    assert f[np.argmax(p)] == pytest.approx(5.9, abs=0.6)  # Fletcher & Sanders 1967: 5–6 Hz
    assert 10 < np.abs(cents).max() < 45
    assert level[0] < 0.01 < 0.5 < level[16000]
    x = render(key, 4.0)
    low, high = {"violin": (2000, 3200), "cello": (800, 1600)}[key]
    # The bridge hill: more there than in the octave above.
    assert band_db(x, low, high) > band_db(x, 2 * low, 2 * high) + 3


# --- winds and reeds ---


def test_trumpets_brighten_as_they_get_louder() -> None:
    x = render("trumpet", 12.0, seed=3)
    steps = x[: len(x) // 4800 * 4800].reshape(-1, 4800)
    spectra = np.abs(np.fft.rfft(steps * np.hanning(4800), axis=1)) ** 2
    f = np.fft.rfftfreq(4800, 1 / RATE)
    level = 10 * np.log10(spectra.sum(axis=1) + 1e-12)
    loud = level > level.max() - 25
    high = 10 * np.log10(spectra[:, (f > 1800) & (f < 6000)].sum(axis=1) + 1e-12) - level
    assert np.polyfit(level[loud], high[loud], 1)[0] > 0.2


def test_flutes_are_nearly_pure_beside_saxophones() -> None:
    def richness(key: str) -> float:
        x = render(key, 5.0, pitch_hz=500.0)
        f, p = signal.welch(x, RATE, nperseg=8192)
        return float(p[f > 3500].sum() / p.sum())

    assert richness("flute") < 0.4 * richness("saxophone")


def test_accordions_beat() -> None:
    model = MODELS["accordion"].settings({})
    assert model["beating_hz"] > 0
    depth = []
    for beating in (0.0, 6.0):
        x = render("accordion", 6.0, seed=2, beating_hz=beating, tempo_bpm=50.0)
        curve = np.abs(signal.hilbert(dsp.bandpass(x, RATE, 250, 1200)))[::480]
        f, p = signal.welch(curve / curve.mean(), 100, nperseg=256)
        depth.append(p[(f > 4) & (f < 10)].sum())
    assert depth[1] > 1.5 * depth[0]


def test_chanters_notes_are_just() -> None:
    low_a = 474.0
    x = render("bagpipe", 20.0, pitch_hz=low_a)
    f, p = signal.welch(dsp.highpass(x, RATE, 380), RATE, nperseg=1 << 15)
    peaks, _ = signal.find_peaks(np.where((f > 400) & (f < 960), p, 0), height=p.max() * 0.02)
    scale = low_a * np.array(reeds.CHANTER_RATIOS)
    # Multiples of the drones (at low A and at its octave, and at a fifth) lie on the scale too.
    drones = low_a / 4 * np.arange(3, 9)
    allowed = np.concatenate([scale, drones])
    worst = [1200 * np.abs(np.log2(f[k] / allowed)).min() for k in peaks]
    assert len(peaks) >= 5
    assert max(worst) < 25


def test_drones_never_stop() -> None:
    x = dsp.lowpass(render("bagpipe", 8.0), RATE, 300)
    curve = np.sqrt((x[4800:].reshape(-1, 4800)[:70] ** 2).mean(axis=1))
    assert curve.min() > 0.6 * curve.mean()


def test_organ_sounds_an_octave_below_and_above() -> None:
    x = render("organ", 6.0, reverberation_s=0.1, tempo_bpm=30.0)
    assert band_db(x, 60, 200) > band_db(x, 20, 50) + 10
    assert band_db(x, 2000, 8000) > band_db(x, 200, 2000) - 30


def test_choir_has_its_vowels_formants() -> None:
    def centre(openness: float) -> float:
        x = render("choir", 4.0, openness=openness)
        return band_db(x, 600, 1300) - band_db(x, 150, 450)

    assert centre(1.0) > centre(0.5) + 6
    assert centre(0.5) > centre(0.0) + 3
    assert choir._VOWELS["ah"][0][:2] == (700, 1150)


# --- drums, gong, chimes ---


def test_membranes_ring_at_the_zeros_of_bessels_functions() -> None:
    zeros = [special.jn_zeros(m, 3)[k] for m, k in ((0, 0), (1, 0), (2, 0), (0, 1), (3, 0), (1, 1))]
    ratios = np.array(zeros) / zeros[0]
    assert np.abs(np.array(drums.MEMBRANE_RATIOS) - ratios).max() < 2e-3
    x = drums.tom(RATE, np.random.default_rng(1), 120.0)
    for ratio in ratios[:3]:
        assert strongest_near(x, 120.0 * ratio) == pytest.approx(120.0 * ratio, rel=0.01)


@pytest.mark.parametrize("tempo", [70.0, 96.0, 140.0])
def test_drums_keep_their_tempo(tempo: float) -> None:
    step = 16000 // 200
    echo = np.zeros(0)
    for seed in (1, 2):
        x = render("drums", 24.0, rate=16000, seed=seed, tempo_bpm=tempo, swing=0.0)
        curve = np.sqrt((x[: len(x) // step * step].reshape(-1, step) ** 2).mean(axis=1))
        onset = np.maximum(np.diff(np.log(curve + 0.01 * curve.max())), 0)
        onset -= onset.mean()
        own = np.correlate(onset, onset, "full")[len(onset) - 1 :]
        echo = own if not len(echo) else echo + own
    lags = np.arange(len(echo)) / 200
    beat = 60 / tempo
    near = (lags > 3.2 * beat) & (lags < 4.8 * beat)  # the bar: what repeats best
    assert lags[near][np.argmax(echo[near])] == pytest.approx(4 * beat, rel=0.015)


def test_drum_bars_are_never_twice_the_same() -> None:
    x = render("drums", 20.0, rate=16000, tempo_bpm=120.0)
    bar = 2 * 16000
    bars = [x[k * bar : (k + 1) * bar] for k in range(1, 9)]
    alike = [np.corrcoef(a, b)[0, 1] for i, a in enumerate(bars) for b in bars[i + 1 :]]
    assert max(alike) < 0.97


def test_tubes_ring_as_free_bars() -> None:
    # cos βL cosh βL = 1: 4.7300, 7.8532, 10.9956, 14.1372, 17.2788; f ∝ (βL)².
    roots = np.array([4.7300407, 7.8532046, 10.9956078, 14.1371655, 17.2787597])
    assert np.abs(np.array(struck.BAR_RATIOS) / (roots / roots[0]) ** 2 - 1).max() < 1e-3
    x = render("chimes", 6.0, seed=4, pitch_hz=500.0, wind_m_s=0.5)
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 19))
    f = np.fft.rfftfreq(1 << 19, 1 / RATE)
    low = (f > 400) & (f < 1300)
    first = f[low][np.argmax(spectrum[low])]
    for ratio in (2.756, 5.404):
        found = strongest_near(x, ratio * first, width=0.012)
        assert found == pytest.approx(ratio * first, rel=0.008)
        around = np.abs(f / found - 1) < 0.05
        assert spectrum[around].max() > 30 * np.median(spectrum[around])


def test_gongs_energy_climbs() -> None:
    x = render("gong", 10.0, rate=16000, rate_per_s=0.02)
    start = round(0.3 * 16000)

    def half_time(low: float, high: float) -> float:
        band = dsp.bandpass(x, 16000, low, high) ** 2
        smooth = np.convolve(band, np.hanning(801), "same")
        return float(np.argmax(smooth[start:])) / 16000

    # Chaigne et al. 2005: the highs come up some tenths of a second after the blow.
    assert half_time(1200, 3000) > half_time(50, 150) + 0.1
    late, later = x[start : start + 32000], x[80000:112000]
    assert band_db(late, 800, 3000, 16000) - band_db(late, 50, 200, 16000) > (
        band_db(later, 800, 3000, 16000) - band_db(later, 50, 200, 16000) + 6
    )

"""Sounds of the earth against published figures, measured from what is rendered."""

from __future__ import annotations

import importlib
from itertools import pairwise

import numpy as np
import pytest
from scipy import signal, stats

from earwitness.voice import dsp
from earwitness.voice.geophony import bubbles, earth, fire, ice, rainfall, sea, thunder, wind
from earwitness.voice.model import MODELS

for _name in ("earth", "fire", "ice", "rain", "sea", "thunder", "water", "wind"):
    importlib.import_module(f"earwitness.voice.geophony.{_name}")
EVERY = [key for key, made in MODELS.items() if ".geophony." in made.function.__module__]
RATE = 48000


def render(key: str, seconds: float, *, seed: int = 1, rate: int = RATE, **wanted: float):
    made = MODELS[key]
    return made.function(
        round(seconds * rate), rate, np.random.default_rng(seed), made.settings(wanted)
    )


def density(x: np.ndarray, rate: int = RATE, size: int = 8192) -> tuple[np.ndarray, np.ndarray]:
    f, p = signal.welch(x, rate, nperseg=size)
    return f[1:], p[1:]


def slope_db(x: np.ndarray, low: float, high: float, rate: int = RATE, size: int = 8192) -> float:
    f, p = density(x, rate, size)
    band = (f > low) & (f < high)
    # Every octave weighs the same, not every hertz.
    return float(np.polyfit(np.log2(f[band]), 10 * np.log10(p[band]), 1, w=1 / np.sqrt(f[band]))[0])


def level_db(x: np.ndarray, low: float, high: float, rate: int = RATE) -> float:
    f, p = density(x, rate)
    band = (f >= low) & (f < high)
    return 10 * float(np.log10(p[band].sum()))


def centroid_hz(x: np.ndarray, low: float = 0, high: float = np.inf, rate: int = RATE) -> float:
    f, p = density(x, rate)
    band = (f >= low) & (f < high)
    return float((f * p)[band].sum() / p[band].sum())


def peak_hz(x: np.ndarray, rate: int = RATE, low: float = 20.0) -> float:
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 18))
    f = np.fft.rfftfreq(1 << 18, 1 / rate)
    return float(f[np.argmax(spectrum * (f > low))])


def loudness_curve(x: np.ndarray, step_s: float = 0.1, rate: int = RATE) -> np.ndarray:
    step = round(step_s * rate)
    return np.sqrt((x[: len(x) // step * step].reshape(-1, step) ** 2).mean(axis=1))


def test_all_twenty_nine_are_there() -> None:
    assert len(EVERY) == 29


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
    a, again, b = (render(key, 1.0, rate=16000, seed=s) for s in (3, 3, 4))
    assert np.array_equal(a, again)
    assert abs(float(np.corrcoef(a, b)[0, 1])) < 0.5


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


# --- wind ---


def test_gusts_have_von_karmans_spectrum() -> None:
    powers = []
    for seed in range(12):
        u = wind.gusts(60 * 200, 200, np.random.default_rng(seed), 10.0)
        f, p = signal.welch(u, 200, nperseg=4000)
        powers.append(p)
    p = np.mean(powers, axis=0)
    inertial = (f > 0.4) & (f < 3.0)
    slope = np.polyfit(np.log(f[inertial]), np.log(p[inertial]), 1)[0]
    assert slope == pytest.approx(-5 / 3, abs=0.15)


def test_gusts_have_the_mean_and_the_intensity_asked_for() -> None:
    u = np.concatenate(
        [wind.gusts(120 * 100, 100, np.random.default_rng(s), 10.0) for s in range(20)]
    )
    assert u.min() > 0
    assert u.mean() == pytest.approx(10.0, rel=0.05)
    assert u.std() / u.mean() == pytest.approx(0.22, abs=0.03)


@pytest.mark.parametrize("speed", [8.0, 12.0, 18.0])
def test_wires_whistle_at_strouhals_frequency(speed: float) -> None:
    tones = []
    for seed in range(3):
        x = render("wind-mountain", 8.0, seed=seed, wind_m_s=speed, size_m=0.003)
        expected = wind.aeolian_hz(speed, 0.003)
        f, p = density(x)
        # The thinner of its two wires; the other is at least 1.3 times as thick.
        band = (f > 0.86 * expected) & (f < 1.6 * expected)
        tones.append(float((f * p**2)[band].sum() / (p**2)[band].sum()) / expected)
    # Gusts shift the power upwards: more sound is made while the wind is fast.
    assert 0.92 < np.mean(tones) < 1.3


def test_edge_noise_grows_with_the_cube_of_the_speed() -> None:
    ratios = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        slow = wind._blowing(96000, RATE, rng, np.full(96000, 5.0), 10.0, centre_hz=300)
        rng = np.random.default_rng(seed)
        fast = wind._blowing(96000, RATE, rng, np.full(96000, 10.0), 10.0, centre_hz=300)
        ratios.append(20 * np.log10(fast.std() / slow.std()))
    assert np.mean(ratios) == pytest.approx(60 * np.log10(2), abs=0.5)


def test_leaves_rustle_two_octaves_above_the_open_wind() -> None:
    leaves = centroid_hz(render("wind-trees", 5.0), 100)
    bare = centroid_hz(render("wind-trees", 5.0, leaves=0.0), 100)
    assert 2000 < leaves < 7000
    assert leaves > 4 * centroid_hz(render("wind", 5.0), 100)
    assert leaves > 1.5 * bare


def test_sand_hisses_only_above_its_threshold() -> None:
    def hiss(u: float) -> float:
        x = render("wind-desert", 5.0, seed=2, wind_m_s=u)
        return level_db(x, 5000, 12000) - level_db(x, 100, 1000)

    assert hiss(14.0) > hiss(4.0) + 12


# --- rain ---


def test_drops_follow_marshall_palmer_and_atlas() -> None:
    sizes, arriving = rainfall.flux(10.0)
    number = arriving / rainfall.fall_speed_m_s(sizes) / np.gradient(sizes)
    slope = np.polyfit(sizes, np.log(number), 1)[0]
    assert slope == pytest.approx(-4.1 * 10**-0.21, rel=1e-6)
    # Gunn & Kinzer 1949: 1 mm 4.03, 2 mm 6.49, 5 mm 9.09 m/s.
    speeds = rainfall.fall_speed_m_s(np.array([1.0, 2.0, 5.0]))
    assert speeds == pytest.approx([4.03, 6.49, 9.09], rel=0.05)


def test_flux_carries_the_rain_that_was_asked_for() -> None:
    for rain in (2.0, 20.0, 80.0):
        sizes, arriving = rainfall.flux(rain)
        mm_h = float((arriving * np.pi / 6 * sizes**3).sum()) * 1e-6 * 3600
        # Marshall and Palmer's N0 is a round figure: their own law closes within a quarter.
        assert mm_h == pytest.approx(rain, rel=0.35)


def test_drops_are_as_many_as_the_flux_says() -> None:
    rng = np.random.default_rng(1)
    times, _, _ = rainfall.drops(rng, 1.0, 0.5, 60.0)
    expected = float(rainfall.flux(1.0)[1].sum()) * 0.5 * 60
    assert len(times) == pytest.approx(expected, abs=5 * np.sqrt(expected))


def test_heavier_rain_is_denser_and_darker() -> None:
    light, heavy = (render("rain-heavy", 4.0, rain_mm_h=r) for r in (2.0, 120.0))
    grain = [stats.kurtosis(x) for x in (light, heavy)]
    assert grain[0] > 3 * max(grain[1], 0.3)
    assert centroid_hz(heavy) < 0.92 * centroid_hz(light)


def test_tin_rings_and_tiles_do_not() -> None:
    def flatness(ring: float) -> float:
        f, p = density(render("rain-roof", 4.0, ring=ring), size=16384)
        band = p[(f > 300) & (f < 2500)]
        return float(np.exp(np.log(band).mean()) / band.mean())

    assert flatness(1.0) < 0.75 * flatness(0.0)


def test_larger_hail_strikes_duller() -> None:
    small, large = (render("hail", 3.0, size_m=s) for s in (0.005, 0.03))
    assert centroid_hz(large) < 0.6 * centroid_hz(small)


def test_more_hail_is_more_events() -> None:
    few, many = (render("hail", 3.0, rate_per_s=r) for r in (10.0, 400.0))
    assert stats.kurtosis(few) > 3 * stats.kurtosis(many)


# --- thunder ---


def test_air_absorbs_as_iso_9613_1_tabulates() -> None:
    f = np.array([63.0, 125, 250, 500, 1000, 2000, 4000, 8000])
    table = [0.0904, 0.339, 1.13, 2.80, 4.98, 9.02, 22.9, 76.6]  # dB/km at 20 °C and 70 %
    loss = thunder.absorption_db_per_km(f, celsius=20, humidity=70)
    assert loss == pytest.approx(table, rel=0.02)


def test_thunder_lasts_as_long_as_its_channel_is_deep() -> None:
    for seed in range(3):
        points = thunder.channel(np.random.default_rng(seed), 1500.0, 4000.0)
        ranges = np.linalg.norm(points, axis=1)
        depth_s = float(ranges.max() - ranges.min()) / thunder.SOUND_M_S
        sound = thunder.strike(30 * 8000, 8000, np.random.default_rng(seed), 1500.0, 4000.0)
        heard = np.flatnonzero(np.abs(sound) > 1e-7 * np.abs(sound).max())
        assert (heard[-1] - heard[0]) / 8000 == pytest.approx(depth_s, abs=0.7)
        assert 4 < depth_s < 30  # Few 1969: tens of seconds at the most


def test_thunder_darkens_with_distance() -> None:
    def tilt(distance: float) -> float:
        sounds = [
            thunder.strike(6 * 24000, 24000, np.random.default_rng(s), distance) for s in range(2)
        ]
        x = np.concatenate(sounds)
        return level_db(x, 800, 1600, 24000) - level_db(x, 60, 250, 24000)

    tilts = [tilt(d) for d in (200.0, 1500.0, 6000.0)]
    assert tilts[0] > tilts[1] + 4
    assert tilts[1] > tilts[2] + 6


def test_thunder_peaks_where_few_measured_it() -> None:
    x = thunder.strike(8 * 8000, 8000, np.random.default_rng(2), 3000.0)
    f, p = density(x, 8000, 2048)
    smooth = np.convolve(p, np.ones(9) / 9, "same")
    assert 30 < f[np.argmax(smooth)] < 250  # Few 1969: 50–200 Hz


# --- the sea ---


def test_waves_come_with_the_period_asked_for() -> None:
    rng = np.random.default_rng(1)
    times, heights = sea.arrivals(rng, 8.0, 4000.0)
    assert np.diff(times).mean() == pytest.approx(8.0, rel=0.03)
    assert np.diff(times).std() / 8.0 == pytest.approx(0.13, abs=0.02)
    assert 0.25 < heights.std() / heights.mean() < 0.6


@pytest.mark.parametrize("key", ["sea-waves", "surf-sand", "surf-shingle"])
@pytest.mark.parametrize("period", [5.0, 10.0])
def test_waves_are_heard_at_their_period(key: str, period: float) -> None:
    x = render(key, 12 * period, rate=8000, period_s=period)
    curve = np.log(loudness_curve(x, 0.2, 8000))
    curve -= curve.mean()
    echo = np.correlate(curve, curve, "full")[len(curve) - 1 :] / (curve @ curve)
    lags = np.arange(len(echo)) * 0.2
    window = (lags > 0.6 * period) & (lags < 1.5 * period)
    best = lags[window][np.argmax(echo[window])]
    assert best == pytest.approx(period, rel=0.2)


def test_breakers_roar_first_and_hiss_after() -> None:
    x = render("sea-waves", 60.0, rate=16000, period_s=12.0)
    low = loudness_curve(dsp.lowpass(x, 16000, 250), 0.1, 16000)
    high = loudness_curve(dsp.highpass(x, 16000, 3000), 0.1, 16000)
    low, high = (np.log(v) - np.log(v).mean() for v in (low, high))
    lag = (np.argmax(np.correlate(high, low, "full")) - len(low) + 1) * 0.1
    assert 0.3 < lag < 4.0


def test_shingle_rattles_where_thorne_says() -> None:
    rng = np.random.default_rng(1)
    for size in (0.02, 0.05):
        clicks = np.concatenate([sea.pebbles(RATE, rng, size) for _ in range(40)])
        f, p = density(clicks, size=2048)
        assert f[np.argmax(p)] == pytest.approx(200 / size**0.9, rel=0.12)


# --- water ---


@pytest.mark.parametrize("radius", [0.0005, 0.001, 0.003, 0.01])
def test_bubbles_ring_at_minnaerts_frequency(radius: float) -> None:
    # Minnaert 1933: f = √(3 γ p / ρ) / 2π r with γ 1.4, p 101 325 Pa, ρ 998 kg/m³.
    expected = np.sqrt(3 * 1.4 * 101325 / 998) / (2 * np.pi * radius)
    assert peak_hz(bubbles.bubble(RATE, radius, rise=0.0)) == pytest.approx(expected, rel=0.01)


def test_bubbles_die_as_van_den_doel_says_and_rise() -> None:
    x = bubbles.bubble(RATE, 0.003, rise=0.0)
    curve = np.log(np.abs(signal.hilbert(x)))[200:2000]
    decay = -np.polyfit(np.arange(len(curve)) / RATE, curve, 1)[0]
    assert decay == pytest.approx(0.13 / 0.003 + 0.0072 * 0.003**-1.5, rel=0.03)
    rising = bubbles.bubble(RATE, 0.003, rise=0.1)
    turns = np.diff(np.unwrap(np.angle(signal.hilbert(rising)))) * RATE / (2 * np.pi)
    t = 0.02
    expected = 3.26 / 0.003 * (1 + 0.1 * bubbles.damping_per_s(0.003) * t)
    assert np.median(turns[round(t * RATE) - 50 : round(t * RATE) + 50]) == pytest.approx(
        expected, rel=0.02
    )


def test_drips_plink_at_their_bubbles_pitch_and_rate() -> None:
    x = render("drips", 20.0, rate_per_s=1.0, size_m=0.003, reverberation_s=0.05, seed=5)
    assert 0.6 < peak_hz(x, low=300) / (3.26 / 0.003) < 1.8
    counts = []
    for rate in (0.5, 4.0):
        x = render("drips", 30.0, rate=16000, rate_per_s=rate, reverberation_s=0.05)
        curve = loudness_curve(x, 0.01, 16000)
        onsets = (curve[3:] > 4 * curve[:-3]) & (curve[3:] > 0.05 * curve.max())
        counts.append(np.count_nonzero(np.diff(onsets.astype(int)) == 1))
    assert counts[1] > 3 * counts[0]


def test_a_fuller_stream_has_more_bubbles() -> None:
    few, many = (render("stream", 4.0, strength=s) for s in (0.0, 1.0))
    assert stats.kurtosis(few) > 2 * stats.kurtosis(many)


def test_waterfalls_get_lower_with_height_and_flow() -> None:
    low, high = (render("waterfall", 4.0, size_m=h) for h in (1.5, 60.0))
    assert centroid_hz(high) < 0.8 * centroid_hz(low)
    veil, cataract = (render("waterfall", 4.0, strength=s) for s in (0.0, 1.0))
    assert slope_db(cataract, 800, 8000) < slope_db(veil, 800, 8000) - 1


def test_waterfall_is_between_pink_and_red() -> None:
    assert -6.0 < slope_db(render("waterfall", 5.0), 700, 6000) < -2.0


def test_under_water_the_murmur_falls_as_wenz_found() -> None:
    # Wenz 1962: −5 to −6 dB per octave above 500 Hz at the surface; more through a hull or ear.
    x = render("underwater", 8.0, rate_per_s=0.0, strength=0.0)
    assert -8.5 < slope_db(x, 500, 4000) < -4.5


# --- ice, fire, rock ---


def test_ice_chirps_fall_as_bending_waves_do() -> None:
    # Thin plate: the group travels at 2 (D/ρh)^¼ √(2πf), so the arrival falls with 1/√f.
    h = 0.3
    stiffness = 9.0e9 * h**3 / (12 * (1 - 0.33**2))
    f = np.array([150.0, 300.0, 600.0])
    thin = 2 * np.sqrt(2 * np.pi * f) * (stiffness / (917 * h)) ** 0.25
    speeds = ice.group_speed_m_s(f, h)
    assert np.all(speeds < thin)
    x = ice.crack(RATE, np.random.default_rng(1), 400.0, h)
    arrivals = []
    for centre in f:
        band = dsp.bandpass(np.pad(x, (0, 4800)), RATE, 0.8 * centre, 1.25 * centre)
        energy = np.cumsum(band**2)
        arrivals.append(np.searchsorted(energy, 0.5 * energy[-1]) / RATE)
    expected = 400.0 / speeds
    assert arrivals[0] > arrivals[1] > arrivals[2]
    assert arrivals[0] - arrivals[2] == pytest.approx(expected[0] - expected[2], rel=0.25)


def test_fire_crackles_at_the_rate_asked_for_with_a_heavy_tail() -> None:
    rng = np.random.default_rng(1)
    x = fire._crackle(20 * RATE, RATE, rng, 10.0)
    tops = np.abs(dsp.highpass(x, RATE, 500))
    peaks, _ = signal.find_peaks(tops, height=0.02, distance=round(0.002 * RATE))
    assert 5 < len(peaks) / 20 / 10.0 * 10 < 60
    assert stats.kurtosis(x) > 50
    few, many = (render("fire", 8.0, rate_per_s=r, strength=0.0) for r in (2.0, 60.0))
    assert level_db(many, 1000, 8000) > level_db(few, 1000, 8000) + 6


def test_flames_roar_below_the_crackle() -> None:
    embers, blaze = (render("fire", 8.0, strength=s) for s in (0.0, 1.0))
    share = [level_db(x, 30, 200) - level_db(x, 1000, 8000) for x in (embers, blaze)]
    assert share[1] > share[0] + 3


@pytest.mark.parametrize("width", [0.02, 0.2])
def test_jets_peak_at_their_strouhal_number(width: float) -> None:
    x = earth.jet_noise(10 * RATE, RATE, np.random.default_rng(1), 100.0, width)
    f, p = density(x, size=32768)
    edges = np.geomspace(20, 20000, 31)
    means = [p[(f >= a) & (f < b)].mean() for a, b in pairwise(edges)]
    best = int(np.argmax(means))
    strouhal = np.sqrt(edges[best] * edges[best + 1]) * width / 100.0
    assert strouhal == pytest.approx(0.19, rel=0.4)


def test_geysers_surge_with_their_period() -> None:
    x = render("geyser", 90.0, rate=8000, period_s=6.0)
    curve = np.log(loudness_curve(x, 0.2, 8000))
    peaks, _ = signal.find_peaks(np.convolve(curve, np.hanning(9) / 4, "same"), prominence=0.8)
    assert 90 / len(peaks) == pytest.approx(6.0, rel=0.35)


def test_larger_rocks_fall_lower() -> None:
    small, large = (render("avalanche", 5.0, size_m=s) for s in (0.08, 1.5))
    assert centroid_hz(large) < 0.7 * centroid_hz(small)


def test_volcano_rumbles_low() -> None:
    x = render("volcano", 8.0)
    assert level_db(x, 20, 200) > level_db(x, 500, 8000) + 6

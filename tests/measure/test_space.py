"""Known directions give known errors, in every kind of layout."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from earwitness.errors import OptionError
from earwitness.measure.directions import heard_from
from earwitness.measure.space import (
    SpaceReport,
    error_of,
    judge_alone,
    judge_mix,
    merge,
    rank_correlation,
)
from earwitness.scene import Listener, Scene, Sound, Source, layout_named
from earwitness.scene.frame import angle_between_deg, xyz
from earwitness.space.ambisonic_gains import sh_gains
from earwitness.space.hrtf import hrir
from earwitness.space.render import render_scene
from earwitness.space.stems import ArrayStem

RATE = 16000
NOISE = np.random.default_rng(0).standard_normal(RATE // 2).astype(np.float32) * 0.1
POINTS = np.random.default_rng(1).standard_normal((12, 3))


def _source(at: object, name: str = "one", level_db: float = 80.0, **more: object) -> Source:
    row = tuple(float(v) for v in np.asarray(at, dtype=np.float64))
    return Source(name, name, "dog", positions=((0.0, *row),), level_db=level_db, **more)  # type: ignore[arg-type]


def _rendered(scene: Scene, layout: str, stems: dict[str, np.ndarray] | None = None) -> Sound:
    sounds = stems or {source.id: NOISE for source in scene.sources}
    return render_scene(
        scene,
        lambda: {key: ArrayStem(wave) for key, wave in sounds.items()},
        layout=layout_named(layout),
        rate_hz=RATE,
        loudness_lufs=None,
    ).sound()


@pytest.mark.parametrize("point", POINTS)
def test_a_plane_wave_is_heard_from_where_it_comes(point: np.ndarray) -> None:
    field = Sound(sh_gains([point], 1).T * NOISE, RATE, "foa")
    found = heard_from(field)
    assert angle_between_deg(found.towards, point) < 1e-3
    assert found.focus == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("turn", [1.0, 10.0, 90.0, 180.0])
def test_a_rotated_field_errs_by_the_rotation(turn: float) -> None:
    scene = Scene((_source(xyz(20, 0)),))
    field = Sound(sh_gains(xyz([20 + turn], 0), 1).T * NOISE, RATE, "foa")
    assert judge_alone(scene, scene.sources[0], field).error_deg == pytest.approx(turn, abs=1e-3)


@pytest.mark.parametrize("layout", ["quad", "5.1", "7.1", "5.1.4", "7.1.4"])
def test_each_loudspeaker_is_heard_where_it_stands(layout: str) -> None:
    channels = layout_named(layout).channels
    for i, channel in enumerate(channels):
        waves = np.zeros((len(channels), len(NOISE)), np.float32)
        waves[i] = NOISE
        for method in ("beam", "energy"):
            found = heard_from(Sound(waves, RATE, layout), method=method)  # type: ignore[arg-type]
            if channel.lfe:
                assert not found.heard
            else:
                towards = xyz(channel.azimuth_deg, channel.elevation_deg)
                assert angle_between_deg(found.towards, towards) < 1e-3


@pytest.mark.parametrize("azimuth", [-150, -80, -20, 0, 15, 45, 100, 170])
def test_what_is_panned_in_5_1_is_heard_by_beams_where_it_is(azimuth: float) -> None:
    scene = Scene((_source(xyz(azimuth, 0, 3.0)),), duration_s=0.5)
    assert judge_alone(scene, scene.sources[0], _rendered(scene, "5.1")).error_deg < 0.5


@pytest.mark.parametrize("azimuth", [-75, -40, -10, 0, 25, 60])
def test_ears_tell_the_side(azimuth: float) -> None:
    ears = np.stack([np.convolve(NOISE, h) for h in hrir(xyz([azimuth], 0), RATE)[0]])
    found = heard_from(Sound(ears, RATE, "binaural"))
    error, _, chance = error_of(xyz(azimuth, 0), found.towards, layout_named("binaural"))
    assert error < 8 < 30 < chance
    assert np.sign(found.itd_us) == np.sign(azimuth)
    assert abs(azimuth) < 20 or np.sign(found.ild_db) == np.sign(azimuth)


def test_front_and_back_are_the_same_to_two_ears_and_not_counted() -> None:
    error, full, _ = error_of(xyz(150, 0), xyz(30, 0), layout_named("binaural"))
    assert error == pytest.approx(0, abs=1e-9) and full == pytest.approx(120)


def test_the_listener_turns_the_scene() -> None:
    scene = Scene((_source(xyz(90, 0)),), listener=Listener(yaw_deg=90.0))
    ahead = Sound(sh_gains(xyz([0], 0), 1).T * NOISE, RATE, "foa")
    assert judge_alone(scene, scene.sources[0], ahead).error_deg == pytest.approx(0, abs=1e-3)


def test_a_moving_source_is_followed() -> None:
    path = ((0.0, 3.0, 3.0, 0.0), (2.0, 3.0, -3.0, 0.0))
    source = dataclasses.replace(_source((1, 0, 0)), positions=path)
    scene = Scene((source,), duration_s=2.0)
    wave = np.random.default_rng(2).standard_normal(2 * RATE).astype(np.float32)
    moved = judge_alone(scene, source, _rendered(scene, "foa", {"one": wave}))
    still = Sound(sh_gains(xyz([45], 0), 1).T * wave, RATE, "foa")
    assert moved.error_deg < 5
    assert judge_alone(scene, source, still).error_deg > 30


def test_far_is_faint() -> None:
    reports = []
    for distance in (1.0, 4.0, 2.0, 9.0):
        scene = Scene((_source(xyz(40, 0, distance), level_db=60 + distance),), duration_s=0.5)
        error = judge_alone(scene, scene.sources[0], _rendered(scene, "foa"))
        reports.append(SpaceReport("foa", "alone", (error,)))
    assert merge(reports).distance_rank == pytest.approx(1.0)
    assert reports[0].sources[0].lost_db - reports[2].sources[0].lost_db == pytest.approx(
        -6, abs=0.3
    )


def test_silence_has_no_direction_and_no_error() -> None:
    scene = Scene((_source((1, 0, 0)),))
    report = SpaceReport(
        "5.1",
        "alone",
        (judge_alone(scene, scene.sources[0], Sound(np.zeros((6, 8000)), RATE, "5.1")),),
    )
    assert report.heard == 0 and np.isnan(report.mean_deg) and np.isnan(report.distance_rank)


def _band(low_hz: float, high_hz: float, seed: int) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(RATE))
    bins = np.fft.rfftfreq(RATE, 1 / RATE)
    spectrum[(bins < low_hz) | (bins > high_hz)] = 0
    return np.fft.irfft(spectrum).astype(np.float32)


def test_in_a_finished_file_each_source_is_found_where_it_stands_out() -> None:
    scene = Scene((_source(xyz(60, 10), "low"), _source(xyz(-100, 0), "high")), duration_s=1.0)
    stems = {"low": _band(200, 1000, 3), "high": _band(2000, 5000, 4)}
    report = judge_mix(scene, _rendered(scene, "foa", stems), list(stems.values()))
    assert report.heard == 2 and report.worst_deg < 2
    assert min(source.part for source in report.sources) > 0.9


def test_sources_that_overlap_everywhere_are_not_judged() -> None:
    scene = Scene((_source(xyz(60, 0), "a"), _source(xyz(-60, 0), "b")), duration_s=1.0)
    wave = _band(200, 5000, 5)
    report = judge_mix(scene, _rendered(scene, "foa", {"a": wave, "b": wave}), [wave, wave])
    assert report.heard == 0 and all(source.part == 0 for source in report.sources)


def test_directions_that_know_nothing_err_by_chance() -> None:
    draw = np.random.default_rng(6)
    for layout in ("foa", "5.1", "binaural"):
        rows = [
            error_of(draw.standard_normal(3), draw.standard_normal(3), layout_named(layout))
            for _ in range(4000)
        ]
        errors, _, chances = np.array(rows).T
        assert errors.mean() == pytest.approx(chances.mean(), rel=0.04)


def test_what_does_not_fit_together_is_told() -> None:
    scene = Scene((_source((1, 0, 0)),))
    with pytest.raises(OptionError, match="one each"):
        judge_mix(scene, Sound(np.zeros((4, 4000)), RATE, "foa"), [])
    with pytest.raises(OptionError, match="merge"):
        merge([SpaceReport("foa", "alone", ()), SpaceReport("5.1", "alone", ())])
    assert np.isnan(rank_correlation([1, 2], [1, 2]))

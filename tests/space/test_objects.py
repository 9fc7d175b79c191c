"""Objects for ADM: each track with its direction is what panning renders."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from scenes import RATE, channels, energy_db, noise, source, stems_of

from earwitness.scene import Bed, Listener, Scene, layout_named
from earwitness.space.objects import export_adm, heard_path, object_tracks, objects_of
from earwitness.space.panner import point_source_panner
from earwitness.space.panning import PanningRenderer
from earwitness.space.path import Path

ROWS = ((0.0, 4.0, -10.0, 0.0), (1.0, 4.0, 10.0, 0.0))


def scene():
    return Scene(
        (
            source("still", 3, 2, 0.5),
            source("moving", positions=ROWS),
            source("wide", 5, 0, 0, kind="area", spread_deg=120),
        ),
        (Bed("bed", "wind", "wind", level_db=70),),
        duration_s=1,
    )


def sounds():
    names = ("still", "moving", "wide", "bed")
    return {name: noise(2 * RATE, i) for i, name in enumerate(names)}


def test_there_is_a_track_for_each_copy():
    described = objects_of(scene(), rate_hz=RATE)
    tracks = np.concatenate(list(object_tracks(scene(), stems_of(sounds()), rate_hz=RATE)), axis=1)
    assert tracks.shape == (len(described), RATE)
    assert len(described) == 1 + 1 + 3 + 9 + 1
    assert described[-1].speaker == "LFE1"
    assert all(track.any() for track in tracks)


@pytest.mark.parametrize("layout", ["5.1", "7.1.4"])
def test_tracks_panned_by_their_paths_are_the_panning_render(layout):
    points = Scene(scene().sources[:2], duration_s=1)
    described = objects_of(points, rate_hz=RATE)
    tracks = np.concatenate(
        list(object_tracks(points, stems_of(sounds()), rate_hz=RATE)), axis=1
    ).astype(np.float64)
    made = layout_named(layout)
    panner = point_source_panner(made)
    total = np.zeros((len(made.channels), RATE))
    time = np.arange(RATE) / RATE
    for track, thing in zip(tracks, described, strict=True):
        if thing.speaker:
            total[made.lfe[0]] += track
            continue
        places = np.column_stack(
            [np.interp(time, thing.path[:, 0], thing.path[:, i]) for i in (1, 2, 3)]
        )
        total += panner.gains(places).T * track
    wanted = channels(PanningRenderer(), points, sounds(), layout)
    assert energy_db(total - wanted) < energy_db(wanted) - 45


def test_a_source_is_heard_from_where_it_was():
    rows = ((0.0, 343.0, 0.0, 0.0), (10.0, 343.0, 34.3, 0.0))
    path = heard_path(Path(rows, Listener()), 9.0, RATE)
    # The first delay of one second is taken off, so at 5 s the delay is that of its growth alone.
    place = [np.interp(5.0, path[:, 0], path[:, i]) for i in (1, 2, 3)]
    assert place[1] == pytest.approx(3.43 * 5.0, abs=0.01)


def test_the_file_has_the_gain_of_the_render(tmp_path):
    gain_db = export_adm(scene(), lambda: stems_of(sounds()), tmp_path / "a.wav", rate_hz=RATE)
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="float64", always_2d=True)
    assert rate == RATE and samples.shape == (RATE, 15)
    tracks = np.concatenate(list(object_tracks(scene(), stems_of(sounds()), rate_hz=RATE)), axis=1)
    np.testing.assert_allclose(samples.T, 10 ** (gain_db / 20) * tracks, atol=2e-6)


def test_loud_tracks_are_lowered_together(tmp_path):
    loud = Scene((source("still", 1, 0, 0, level_db=150),), duration_s=0.5)
    export_adm(loud, lambda: stems_of(sounds()), tmp_path / "a.wav", loudness_lufs=None)
    samples, _ = soundfile.read(tmp_path / "a.wav")
    assert 0.8 < np.abs(samples).max() < 0.9


def test_a_silent_scene_is_a_silent_file(tmp_path):
    export_adm(Scene(duration_s=0.2), dict, tmp_path / "a.wav")
    samples, _ = soundfile.read(tmp_path / "a.wav")
    assert len(samples) >= 9600 and not samples.any()

"""ADM: the text, the file, and what the EBU renderer makes of it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earwitness.errors import OptionError, OutputError
from earwitness.scene import frame, layout_named
from earwitness.space.adm import TURN_DEG, AdmObject, axml, blocks, chna
from earwitness.space.adm_file import header, write_adm
from earwitness.space.panner import point_source_panner

RATE = 48000
NS = {"a": "urn:ebu:metadata-schema:ebuCore_2016"}
STILL = AdmObject("dog & <cat>", [[0, *frame.xyz(50, 10, 3)]])
PASSING = AdmObject("car", [[t, 2.0, 20 * (t - 1), 0.5] for t in np.linspace(0, 2, 101)])
RIVER = AdmObject("river", [[0, 0, -5, 0]], width_deg=80)
LOW = AdmObject("low", speaker="LFE1")
STANDARD = ["M+030", "M-030", "M+000", "LFE1", "M+090", "M-090", "M+110", "M-110", "M+135", "M-135"]
STANDARD += ["U+045", "U-045", "U+135", "U-135"]
ALL = [STILL, PASSING, RIVER, LOW]


def noise(tracks: int, samples: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (0.05 * rng.standard_normal((tracks, samples))).astype(np.float32)


def in_blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, samples.shape[1], 4096):
        yield samples[:, start : start + 4096]


def chunks(content: bytes) -> dict[bytes, bytes]:
    found, at = {}, 12
    while at < len(content):
        name, size = struct.unpack("<4sI", content[at : at + 8])
        found[name] = content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(content)
    return found


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_every_reference_names_something_that_is_there() -> None:
    root = ET.fromstring(axml(ALL, 2.0))
    ids = set()
    for element in root.iter():
        own = [v for k, v in element.attrib.items() if k == "UID" or k == f"{_local(element)}ID"]
        assert not ids.intersection(own)
        ids.update(own)
    references = [
        e for e in root.iter() if _local(e).endswith("IDRef") or _local(e).endswith("UIDRef")
    ]
    assert len(references) == 1 + 9 * len(ALL)
    assert {e.text for e in references} <= ids
    names = [e.get("audioObjectName") for e in root.iterfind(".//a:audioObject", NS)]
    assert names == ["dog & <cat>", "car", "river", "low"]


def _local(element: ET.Element) -> str:
    return element.tag.split("}")[1]


def test_chna_says_which_track_is_which_object() -> None:
    table = chna(ALL)
    assert struct.unpack("<HH", table[:4]) == (4, 4)
    rows = [struct.unpack("<H12s14s11sx", table[i : i + 40]) for i in range(4, len(table), 40)]
    assert [row[0] for row in rows] == [1, 2, 3, 4]
    root = ET.fromstring(axml(ALL, 2.0))
    for row, uid in zip(rows, root.iterfind(".//a:audioTrackUID", NS), strict=True):
        assert row[1].decode() == uid.get("UID")
        assert row[2].decode() == uid.findtext("a:audioTrackFormatIDRef", namespaces=NS)
        assert row[3].decode() == uid.findtext("a:audioPackFormatIDRef", namespaces=NS)


def test_a_still_object_is_one_block_at_distance_one() -> None:
    root = ET.fromstring(axml([STILL], 2.0))
    (block,) = root.iterfind(".//a:audioBlockFormat", NS)
    assert "rtime" not in block.attrib
    place = {e.get("coordinate"): float(str(e.text)) for e in block.iterfind("a:position", NS)}
    assert place == pytest.approx({"azimuth": 50, "elevation": 10, "distance": 1})


def test_moving_blocks_follow_each_other_and_hold_the_place_of_their_end() -> None:
    root = ET.fromstring(axml([PASSING], 2.5))
    found = list(root.iterfind(".//a:audioBlockFormat", NS))
    starts = np.array([seconds(b.attrib["rtime"]) for b in found])
    ends = starts + [seconds(b.attrib["duration"]) for b in found]
    np.testing.assert_allclose(starts[1:], ends[:-1], atol=1e-9)
    assert (starts[0], ends[0], ends[-1]) == (0.0, 0.0, 2.5)
    azimuth = [float(str(b.findtext("a:position", namespaces=NS))) for b in found]
    moment = np.minimum(ends, 2.0)
    np.testing.assert_allclose(azimuth, np.degrees(np.arctan2(20 * (moment - 1), 2.0)), atol=0.01)


def test_an_extent_is_written_for_an_object_with_a_width() -> None:
    root = ET.fromstring(axml([STILL, RIVER], 1.0))
    assert [e.text for e in root.iterfind(".//a:width", NS)] == ["80.000000"]


def test_blocks_are_as_many_as_the_turn_needs() -> None:
    rows = blocks(PASSING.path, 2.0)
    assert np.abs(np.diff(rows[:, 1])).max() < 1.5 * TURN_DEG
    assert len(rows) < 169 / TURN_DEG * 2.5
    assert len(blocks([[0, 5, 5, 0], [9, 10, 10, 0]], 9.0)) == 1  # straight away: no turn


@pytest.mark.parametrize("pause_s", [0.2, 2.0])
def test_a_pause_is_kept_as_a_pause(pause_s: float) -> None:
    end = 1 + pause_s
    rows = blocks([[0, 1, 0, 0], [1, 0, 1, 0], [end, 0, 1, 0], [end + 1, -1, 0, 0]], end + 2)
    held = np.interp(np.linspace(1, end, 9), rows[:, 0], rows[:, 1])
    np.testing.assert_allclose(held, 90, atol=1e-6)
    np.testing.assert_allclose(rows[-1], [end + 2, 180, 0], atol=1e-6)


def test_the_file_is_read_by_others(tmp_path: Path) -> None:
    samples = noise(4, 10001)
    write_adm(tmp_path / "a.wav", in_blocks(samples), ALL, rate_hz=RATE)
    read, rate_hz = soundfile.read(tmp_path / "a.wav")
    assert rate_hz == RATE
    np.testing.assert_allclose(read.T, samples, atol=2**-23)
    assert soundfile.info(str(tmp_path / "a.wav")).subtype == "PCM_24"


def test_the_chunks_are_whole(tmp_path: Path) -> None:
    write_adm(tmp_path / "a.wav", in_blocks(noise(1, 1001)), [STILL], rate_hz=RATE)
    content = (tmp_path / "a.wav").read_bytes()
    assert content[:4] == b"RIFF"
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8
    found = chunks(content)
    assert list(found) == [b"JUNK", b"fmt ", b"data", b"chna", b"axml"]
    assert len(found[b"data"]) == 1002 * 3  # one silent frame instead of a pad byte
    assert found[b"chna"] == chna([STILL])
    assert found[b"axml"] == axml([STILL], 1001 / RATE)


def test_beyond_four_gib_it_is_bw64() -> None:
    small, large = header(8, RATE, 1000, 500), header(8, RATE, 2 * 10**8, 500)
    assert len(small) == len(large)
    assert (large[:4], large[12:16], large[4:8]) == (b"BW64", b"ds64", b"\xff" * 4)
    riff, data, frames = struct.unpack("<QQQ", large[20:44])
    assert (data, frames) == (8 * 3 * 2 * 10**8, 2 * 10**8)
    assert riff == len(large) - 8 + data + 500


@pytest.mark.parametrize("bad", [1.5, np.nan])
def test_nothing_is_written_when_it_would_clip(tmp_path: Path, bad: float) -> None:
    samples = noise(1, 5000)
    samples[0, 4500] = bad
    with pytest.raises(OptionError, match="does not fit"):
        write_adm(tmp_path / "a.wav", in_blocks(samples), [STILL], rate_hz=RATE)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(OutputError):
        write_adm(tmp_path / "a.wav", in_blocks(noise(1, 10)), [STILL], rate_hz=RATE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": [[0, 1, 2]]},
        {"path": []},
        {"path": [[0, 1, 0, 0], [0, 1, 0, 0]]},
        {"path": [[0, np.nan, 0, 0]]},
        {"width_deg": 400},
        {"speaker": "M+999"},
    ],
)
def test_objects_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        AdmObject("x", **wrong)  # type: ignore[arg-type]


def test_tracks_and_objects_must_agree(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="for 2 objects"):
        write_adm(tmp_path / "a.wav", in_blocks(noise(3, 10)), [STILL, LOW], rate_hz=RATE)
    with pytest.raises(OptionError, match="objects"):
        axml([], 1.0)


@pytest.mark.skipif(
    shutil.which("ear-render") is None,
    reason="ear-render is not on the PATH (pip install --no-deps ear==2.1.0, and what it needs)",
)
@pytest.mark.parametrize("system", ["0+5+0", "4+7+0"])
@pytest.mark.parametrize("track", [0, 1, 3])
def test_the_ebu_renderer_plays_it_as_we_pan_it(tmp_path: Path, system: str, track: int) -> None:
    samples = np.zeros((4, 2 * RATE), np.float32)
    samples[track] = noise(1, 2 * RATE)[0]
    write_adm(tmp_path / "in.wav", in_blocks(samples), ALL, rate_hz=RATE)
    command = ["ear-render", "-s", system, str(tmp_path / "in.wav"), str(tmp_path / "out.wav")]
    subprocess.run(command, check=True, capture_output=True)
    theirs = soundfile.read(tmp_path / "out.wav")[0]
    layout = layout_named(system)
    # The standard lists side before back, files back before side.
    labels = [channel.label for channel in layout.channels]
    standard = [labels.index(label) for label in STANDARD if label in labels]
    assert len(standard) == len(labels)
    if ALL[track].speaker:
        gains = np.eye(len(layout.channels))[list(layout.lfe)]
    else:
        path = np.asarray(ALL[track].path)
        time_s = np.arange(2 * RATE) / RATE
        places = [np.interp(time_s, path[:, 0], path[:, i]) for i in (1, 2, 3)]
        gains = point_source_panner(layout).gains(np.stack(places, axis=1))
    ours = (gains * samples[track][:, None])[:, standard]
    energy_ours, energy_theirs = (ours**2).sum(axis=0), (theirs**2).sum(axis=0)
    heard = energy_ours > 1e-6 * energy_ours.sum()
    level_db = 10 * np.log10(energy_theirs[heard] / energy_ours[heard])
    assert np.abs(level_db).max() < 0.05
    assert energy_theirs[~heard].sum() < 1e-5 * energy_ours.sum()

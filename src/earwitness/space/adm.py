"""The text of an ADM file: objects and their paths, as ITU-R BS.2076 describes them.

ADM distance neither attenuates nor delays (ITU-R BS.2127): both, and the Doppler shift, must be in
an object's audio already. So only directions are written, at distance 1. A renderer interpolates
gains from the end of one block to the end of the next: a block's position is *reached at its
end*; a first block without duration sets where a moving object begins.
"""

from __future__ import annotations

import math
import struct
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError
from earwitness.scene import frame, layout_named
from earwitness.space.directions import unit

TURN_DEG = 2.0
"""How far a moving object turns in one block; gains are straight lines within."""

_FINEST_S = 0.001
_LONGEST_MERGE_S = 0.25
_STILL = 1e-7
_NAMESPACE = "urn:ebu:metadata-schema:ebuCore_2016"


@dataclass(frozen=True, eq=False)
class AdmObject:
    """One mono track of an ADM file.

    Parameters
    ----------
    name
        For people.
    path
        Rows of t_s, x, y, z in the listener frame, shape ``(rows, 4)``, times ascending; straight
        between the rows, held before and after. One row: it stands still.
    width_deg
        Horizontal extent, 0 to 360, to be spread by the renderer that plays the file.
    speaker
        BS.2051 label of a loudspeaker (``LFE1``) that plays the track as it is; the path is
        then not used. None: an object, panned.

    Raises
    ------
    OptionError
        If the path is not such a table, the width is outside, or there is no such loudspeaker.

    Examples
    --------
    >>> AdmObject("dog", [[0, 2, 1, 0]]).path.shape
    (1, 4)
    """

    name: str
    path: ArrayLike = ((0.0, 1.0, 0.0, 0.0),)
    width_deg: float = 0.0
    speaker: str | None = None

    def __post_init__(self) -> None:
        table = np.array(self.path, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != 4 or not len(table):
            raise OptionError(f"a path of shape {table.shape}; give rows of t_s, x, y, z")
        if not np.all(np.isfinite(table)) or np.any(np.diff(table[:, 0]) <= 0):
            raise OptionError("a path with times that do not ascend, or values not finite")
        if not 0.0 <= self.width_deg <= 360.0:
            raise OptionError(f"a width of {self.width_deg} degrees; give 0 to 360")
        if self.speaker is not None:
            speaker_position(self.speaker)
        object.__setattr__(self, "path", table)


def speaker_position(label: str) -> tuple[float, float]:
    """Return azimuth and elevation of a loudspeaker of BS.2051, in degrees."""
    for name in ("7.1.4", "5.1.4", "quad"):
        for channel in layout_named(name).channels:
            if channel.label == label:
                return channel.azimuth_deg, channel.elevation_deg
    raise OptionError(f"no loudspeaker is called {label!r}; give a label such as 'M+030' or 'LFE1'")


def blocks(path: ArrayLike, duration_s: float) -> NDArray[np.float64]:
    """Return a path as rows that gains can be interpolated between in straight lines.

    Parameters
    ----------
    path
        Rows of t_s, x, y, z, shape ``(rows, 4)``.
    duration_s
        Length of the object's audio.

    Returns
    -------
    ndarray, shape ``(blocks + 1, 3)``
        Rows of t_s, azimuth_deg, elevation_deg. One row for an object that stands still;
        else the first row is at 0 and the last at ``duration_s``. Times are whole multiples of
        10 µs. Between two rows the direction turns by about :data:`TURN_DEG`, or hardly at all.

    Examples
    --------
    >>> blocks([[0, 1, 1, 0], [1, 1, -1, 0]], 1.0)[[0, -1]].round(3)
    array([[  0.,  45.,   0.],
           [  1., -45.,   0.]])
    """
    table = np.asarray(path, dtype=np.float64)
    corners = np.unique(np.clip(np.concatenate([[0.0, duration_s], table[:, 0]]), 0, duration_s))
    places = _along(table, corners)
    turn = frame.angle_between_deg(places[:-1], places[1:])
    if not np.any(turn > 1e-6):
        azimuth, elevation, _ = frame.angles(places[0])
        return np.array([[0.0, float(azimuth), float(elevation)]])
    times = [0.0]
    for start, end, angle in zip(corners[:-1], corners[1:], turn, strict=True):
        # A passer-by turns most of the angle while nearest: thrice as fine, then merged again.
        finest = max(1, int((end - start) / _FINEST_S))
        pieces = int(min(finest, np.ceil(3 * angle / TURN_DEG)))
        times += list(np.linspace(start, end, max(1, pieces) + 1)[1:])
    ticks = np.unique(np.rint(np.array(times) * 1e5))
    fine = ticks / 1e5
    places = _along(table, fine)
    # Chords instead of angles, as plain numbers: there may be a hundred thousand rows.
    towards = [tuple(row) for row in unit(places).tolist()]
    turned = 2 * math.sin(math.radians(TURN_DEG) / 2)
    kept = [0]
    for i in range(1, len(fine) - 1):
        ahead = math.dist(towards[kept[-1]], towards[i + 1])
        before, after = math.dist(towards[i - 1], towards[i]), math.dist(towards[i], towards[i + 1])
        long = fine[i + 1] - fine[kept[-1]] > _LONGEST_MERGE_S
        starts_or_stops = (before > _STILL) != (after > _STILL)
        if ahead > turned or (long and ahead > _STILL) or starts_or_stops:
            kept.append(i)
    kept.append(len(fine) - 1)
    azimuth, elevation, _ = frame.angles(places[kept])
    return np.stack([fine[kept], azimuth, elevation], axis=1)


def _along(table: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.stack([np.interp(times_s, table[:, 0], table[:, i]) for i in (1, 2, 3)], axis=1)
    at_head = np.all(np.abs(places) < 1e-9, axis=1)
    places[at_head] = [1.0, 0.0, 0.0]
    return places


def _clock(seconds: float) -> str:
    ticks = round(seconds * 1e5)
    return f"{ticks // 360000000:02d}:{ticks // 6000000 % 60:02d}:{ticks % 6000000 / 1e5:08.5f}"


def _ids(index: int, item: AdmObject) -> dict[str, str]:
    kind = "0001" if item.speaker else "0003"
    number = f"{0x1001 + index:04X}"
    return {
        "object": f"AO_{number}",
        "pack": f"AP_{kind}{number}",
        "channel": f"AC_{kind}{number}",
        "stream": f"AS_{kind}{number}",
        "track": f"AT_{kind}{number}_01",
        "uid": f"ATU_{index + 1:08X}",
        "block": f"AB_{kind}{number}",
        "kind": kind,
        "definition": "DirectSpeakers" if item.speaker else "Objects",
    }


def _child(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def _position(parent: ET.Element, azimuth_deg: float, elevation_deg: float) -> None:
    for coordinate, value in (("azimuth", azimuth_deg), ("elevation", elevation_deg)):
        _child(parent, "position", f"{value + 0.0:.6f}", coordinate=coordinate)
    _child(parent, "position", "1.000000", coordinate="distance")


def _channel(parent: ET.Element, item: AdmObject, ids: dict[str, str], duration_s: float) -> None:
    channel = _child(
        parent,
        "audioChannelFormat",
        audioChannelFormatID=ids["channel"],
        audioChannelFormatName=item.name,
        typeLabel=ids["kind"],
        typeDefinition=ids["definition"],
    )
    if item.speaker:
        if item.speaker.startswith("LFE"):
            _child(channel, "frequency", "120", typeDefinition="lowPass")
        block = _child(channel, "audioBlockFormat", audioBlockFormatID=f"{ids['block']}_00000001")
        _child(block, "speakerLabel", item.speaker)
        _position(block, *speaker_position(item.speaker))
        return
    rows = blocks(item.path, duration_s)
    for i, (end, azimuth, elevation) in enumerate(rows):
        times = {}
        if len(rows) > 1:
            start = rows[max(0, i - 1), 0]
            times = {"rtime": _clock(start), "duration": _clock(end - start)}
        block = _child(
            channel,
            "audioBlockFormat",
            audioBlockFormatID=f"{ids['block']}_{i + 1:08X}",
            **times,
        )
        _position(block, azimuth, elevation)
        if item.width_deg > 0:
            for side, value in (("width", item.width_deg), ("height", 0.0), ("depth", 0.0)):
                _child(block, side, f"{value:.6f}")


def axml(
    objects: Sequence[AdmObject], duration_s: float, *, programme: str = "earwitness"
) -> bytes:
    """Return the ``axml`` chunk of an ADM file.

    Parameters
    ----------
    objects
        The tracks, in the order of the file's channels.
    duration_s
        Length of the file.
    programme
        Name of the programme.

    Returns
    -------
    bytes
        XML, UTF-8.

    Raises
    ------
    OptionError
        If there are no objects, or too many for their ids (61438).
    """
    if not 1 <= len(objects) <= 0xFFFF - 0x1001:
        raise OptionError(f"{len(objects)} objects; an ADM file of ours holds 1 to 61438")
    root = ET.Element("ebuCoreMain", {"xmlns": _NAMESPACE})
    extended = _child(_child(_child(root, "coreMetadata"), "format"), "audioFormatExtended")
    whole = _child(
        extended,
        "audioProgramme",
        audioProgrammeID="APR_1001",
        audioProgrammeName=programme,
        start=_clock(0.0),
        end=_clock(duration_s),
    )
    _child(whole, "audioContentIDRef", "ACO_1001")
    content = _child(
        extended, "audioContent", audioContentID="ACO_1001", audioContentName=programme
    )
    named = [(item, _ids(i, item)) for i, item in enumerate(objects)]
    for _, ids in named:
        _child(content, "audioObjectIDRef", ids["object"])
    for item, ids in named:
        entry = _child(
            extended, "audioObject", audioObjectID=ids["object"], audioObjectName=item.name
        )
        _child(entry, "audioPackFormatIDRef", ids["pack"])
        _child(entry, "audioTrackUIDRef", ids["uid"])
    for item, ids in named:
        kind = {"typeLabel": ids["kind"], "typeDefinition": ids["definition"]}
        pack = _child(
            extended,
            "audioPackFormat",
            audioPackFormatID=ids["pack"],
            audioPackFormatName=item.name,
            **kind,
        )
        _child(pack, "audioChannelFormatIDRef", ids["channel"])
        _channel(extended, item, ids, duration_s)
        pcm = {"formatLabel": "0001", "formatDefinition": "PCM"}
        stream = _child(
            extended,
            "audioStreamFormat",
            audioStreamFormatID=ids["stream"],
            audioStreamFormatName=item.name,
            **pcm,
        )
        _child(stream, "audioChannelFormatIDRef", ids["channel"])
        _child(stream, "audioTrackFormatIDRef", ids["track"])
        track = _child(
            extended,
            "audioTrackFormat",
            audioTrackFormatID=ids["track"],
            audioTrackFormatName=item.name,
            **pcm,
        )
        _child(track, "audioStreamFormatIDRef", ids["stream"])
        uid = _child(extended, "audioTrackUID", UID=ids["uid"])
        _child(uid, "audioTrackFormatIDRef", ids["track"])
        _child(uid, "audioPackFormatIDRef", ids["pack"])
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def chna(objects: Sequence[AdmObject]) -> bytes:
    """Return the ``chna`` chunk of an ADM file: which track is which object.

    Parameters
    ----------
    objects
        The tracks, in the order of the file's channels.

    Returns
    -------
    bytes
        4 bytes and 40 for each track.

    Examples
    --------
    >>> len(chna([AdmObject("dog"), AdmObject("cat")]))
    84
    """
    out = struct.pack("<HH", len(objects), len(objects))
    for i, item in enumerate(objects):
        ids = _ids(i, item)
        out += struct.pack(
            "<H12s14s11sx", i + 1, ids["uid"].encode(), ids["track"].encode(), ids["pack"].encode()
        )
    return out

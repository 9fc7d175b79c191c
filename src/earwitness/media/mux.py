"""Put a sound track under a clip's picture.

The video stream is copied packet by packet wherever MP4, MKV or MOV can hold it as it is.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from earwitness.errors import MediaError, OptionError, OutputError
from earwitness.media.clips import SAFE_OPTIONS, Clip, Frame, frames, picture_stream
from earwitness.media.output import beside, reason
from earwitness.media.spherical import mark
from earwitness.scene import Layout

CODECS = {
    "aac": ("aac", {"mono", "stereo", "quad", "5.1", "7.1", "binaural", "foa"}),
    "opus": (
        "libopus",
        {"mono", "stereo", "quad", "5.1", "7.1", "binaural", "foa", "hoa2", "hoa3"},
    ),
    "flac": ("flac", {"mono", "stereo", "quad", "5.1", "7.1", "binaural", "foa"}),
    "alac": ("alac", {"mono", "stereo", "5.1", "7.1", "binaural"}),
    "ac3": ("ac3", {"mono", "stereo", "quad", "5.1", "binaural"}),
    "pcm": ("pcm_s24le", None),
}
"""Codec → FFmpeg's encoder and the layouts that it carries; PCM carries all, in .mov or .mkv."""

_BIT_RATE_PER_CHANNEL = 96_000
_TICKS = 90_000  # of a second, the unit of drawn pictures' times
_AHEAD_S = 1.0  # how far the sound may be written ahead of the picture


def codec_for(name: str, layout: Layout) -> str:
    """Return FFmpeg's encoder for a codec after checking that it carries a layout.

    Raises
    ------
    OptionError
        If the codec is unknown or cannot carry the layout.
    """
    if name not in CODECS:
        raise OptionError(f"no codec is called {name!r}; choose one of {', '.join(CODECS)}")
    encoder, carried = CODECS[name]
    if carried is not None and layout.title not in carried:
        raise OptionError(
            f"{name} cannot carry {layout.title}; it carries {', '.join(sorted(carried))}. "
            f"Choose the codec pcm"
        )
    return encoder


def _layout_name(layout: Layout, encoder: str) -> str:
    if layout.kind == "binaural":
        return "stereo"
    if layout.kind == "ambisonics" and encoder != "libopus":
        # AAC and FLAC have no layout for ambisonics: four channels whose order the file's SA3D box
        # tells. FFmpeg's "4.0" passes through AAC in the order in which it came.
        return "4.0" if layout.order == 1 else f"{len(layout.channels)} channels"
    if layout.kind == "ambisonics":
        return f"ambisonic {layout.order}"
    return layout.title


class _Track:
    """An encoder for one sound track, fed with blocks."""

    def __init__(self, container: Any, encoder: str, layout: Layout, rate_hz: int) -> None:
        options = {}
        if layout.kind == "ambisonics" and encoder == "libopus":
            options = {"mapping_family": "2"}  # ambisonics in Opus, RFC 8486
        elif layout.kind == "ambisonics" and encoder == "aac":
            # What saves bits by sharing directions or noise would blur where sounds come from.
            options = {"aac_is": "0", "aac_pns": "0", "aac_ms": "0"}
        self.stream = container.add_stream(encoder, rate=rate_hz, options=options)
        self.stream.layout = _layout_name(layout, encoder)
        if encoder in ("flac", "alac"):  # 24 bits, where FFmpeg's first choice is 16
            self.stream.format = "s32" if encoder == "flac" else "s32p"
        if not encoder.startswith(("pcm", "flac", "alac")):
            self.stream.bit_rate = _BIT_RATE_PER_CHANNEL * len(layout.channels)
        self._rate_hz, self._layout = rate_hz, _layout_name(layout, encoder)
        self.samples = 0

    @property
    def time_s(self) -> float:
        """How much sound has been taken."""
        return self.samples / self._rate_hz

    def encode(self, block: NDArray[np.float32] | None) -> Iterator[Any]:
        """Yield packets for a block, or for what is left when the block is None."""
        if block is None:
            yield from self.stream.encode(None)
            return
        # Packed samples: planar frames of eight channels cannot be made from an array.
        packed = np.ascontiguousarray(block.T.reshape(1, -1), dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate = self._rate_hz
        frame.pts = self.samples
        frame.time_base = Fraction(1, self._rate_hz)
        self.samples += block.shape[1]
        yield from self.stream.encode(frame)


def write_under_picture(
    clip: Clip,
    out: str | os.PathLike[str],
    blocks: Iterable[NDArray[np.float32]],
    *,
    layout: Layout,
    rate_hz: int,
    length_s: float,
    codec: str = "aac",
    longest_s: float | None = None,
    sphere: bool = False,
) -> None:
    """Write a clip again with a new sound track, its picture copied where the file can hold it.

    Animated pictures, and pictures in a codec that the file cannot hold, are coded in H.264.

    Parameters
    ----------
    clip
        The clip.
    out, blocks, layout, rate_hz, codec, longest_s, sphere
        As in :func:`write_under_copied_picture`.
    length_s
        How long the sound is, and so the last picture of one coded anew is shown.

    Raises
    ------
    OutputError
        If nothing can be written.
    """
    asked: dict[str, Any] = {
        "layout": layout, "rate_hz": rate_hz, "codec": codec, "sphere": sphere,
    }  # fmt: skip
    if not clip.animated and holds(Path(out).suffix, clip):
        write_under_copied_picture(clip, out, blocks, longest_s=longest_s, **asked)
    else:
        pictures = clip_pictures(clip, longest_s)
        write_with_drawn_picture(pictures, out, blocks, length_s=length_s, **asked)


def write_under_copied_picture(
    clip: Clip,
    out: str | os.PathLike[str],
    blocks: Iterable[NDArray[np.float32]],
    *,
    layout: Layout,
    rate_hz: int,
    codec: str = "aac",
    longest_s: float | None = None,
    sphere: bool = False,
) -> None:
    """Write a clip again with its video stream copied untouched and a new sound track.

    Parameters
    ----------
    clip
        The clip; no animated picture.
    out
        An ``.mp4``, ``.mov`` or ``.mkv`` file.
    blocks
        The sound, blocks of shape ``(channels, samples)``, beginning with the first frame.
    layout, rate_hz
        Of the sound.
    codec
        ``aac``, ``opus``, ``flac``, ``alac``, ``ac3`` or ``pcm``.
    longest_s
        Leave out the picture after this time.
    sphere
        Mark the picture as an equirectangular sphere; the sound is marked whenever it is
        ambisonics.

    Raises
    ------
    OutputError
        If the container cannot hold the picture's codec, or nothing can be written.
    """
    encoder = codec_for(codec, layout)
    file = Path(out)
    try:
        with (
            beside(file) as made,
            clip.path.open("rb") as stream,
            av.open(stream, mode="r", options=dict(SAFE_OPTIONS)) as source,
        ):
            picture = picture_stream(source, clip.path)
            target = av.open(
                str(made), mode="w", format=_container(file), options={"strict": "unofficial"}
            )
            with target:
                target.metadata.update(source.metadata)
                copy = _add_copy(target, picture)
                track = _Track(target, encoder, layout, rate_hz)
                _copy(source, picture, target, copy, track, iter(blocks), clip, longest_s)
            _mark(made, file, sphere=sphere, layout=layout)
    except (av.error.FFmpegError, ValueError) as error:
        raise OutputError(
            f"{file} cannot be written: {reason(error)}. The picture's codec may not fit into "
            f"{file.suffix}; give --video a name that ends in .mkv or .mov"
        ) from error


def _copy(
    source: Any,
    picture: Any,
    target: Any,
    copy: Any,
    track: _Track,
    sound: Iterator[NDArray[np.float32]],
    clip: Clip,
    longest_s: float | None,
) -> None:
    start = _first_time(clip, picture)
    for packet in _timed(_packets(source, picture), picture):
        at = float(packet.pts * packet.time_base - start)
        # By decoding time: a frame that later ones are made from is not left out before them.
        if longest_s is not None and float(packet.dts * packet.time_base - start) >= longest_s:
            break
        shift = round(start / packet.time_base)
        packet.pts -= shift
        packet.dts -= shift
        _feed(target, track, sound, at + _AHEAD_S)
        packet.stream = copy
        target.mux(packet)
    _feed(target, track, sound, float("inf"))
    for encoded in track.encode(None):
        target.mux(encoded)


def _timed(packets: Iterator[Any], picture: Any) -> Iterator[Any]:
    """Yield packets with both their times.

    Matroska keeps no decoding times: what reads it works them out, but not those of the packets
    before the first picture can be shown. They are put before the first that is known, a frame's
    time apart; packets without one between two that have it, evenly between these.
    """
    rate, unit = picture.average_rate or picture.guessed_rate, picture.time_base
    step = max(1, round(1 / (rate * unit))) if rate and unit else 1
    waiting: list[Any] = []
    last: int | None = None
    for packet in packets:
        if packet.size == 0:  # the one that flushes a decoder
            continue
        waiting.append(packet)
        if packet.dts is None:
            continue
        steps = len(waiting) - (last is None)
        first = packet.dts - steps * step if last is None else last
        for number, held in enumerate(waiting, start=int(last is not None)):
            held.dts = first + (packet.dts - first) * number // max(1, steps)
            held.pts = held.dts if held.pts is None else held.pts
            yield held
        last = packet.dts
        waiting.clear()
    for held in waiting:  # no decoding time in all of the file: pictures come as they are shown
        held.dts = held.pts
        if held.pts is not None:
            yield held


def _packets(source: Any, picture: Any) -> Iterator[Any]:
    """Yield the picture's packets; a damaged end of the file ends them."""
    try:
        yield from source.demux(picture)
    except (av.error.InvalidDataError, av.error.EOFError):
        return


def _mark(made: Path, file: Path, *, sphere: bool, layout: Layout) -> None:
    order = layout.order if layout.kind == "ambisonics" else None
    if _container(file) in ("mp4", "mov") and (sphere or order is not None):
        mark(made, sphere=sphere, order=order)


def suffix_for(clip: Clip) -> str | None:
    """Return the suffix of the first of MP4, MKV and MOV that holds a clip's picture as it is."""
    return next((suffix for suffix in (".mp4", ".mkv", ".mov") if holds(suffix, clip)), None)


def holds(suffix: str, clip: Clip) -> bool:
    """Return whether a kind of file can hold a clip's picture without coding it anew.

    Parameters
    ----------
    suffix
        ``.mp4``, ``.m4v``, ``.mov`` or ``.mkv``.
    clip
        The clip; an animated picture becomes a video of H.264, which all can hold.
    """
    kind = _container(Path("a" + suffix))
    if clip.animated:
        return True
    if clip.codec == "rawvideo":
        return False  # containers tell its pixel formats apart by marks that are lost on the way
    with (
        clip.path.open("rb") as stream,
        av.open(stream, mode="r", options=dict(SAFE_OPTIONS)) as source,
    ):
        try:
            with av.open(io.BytesIO(), mode="w", format=kind) as probe:
                _add_copy(probe, picture_stream(source, clip.path))
                probe.start_encoding()  # some codecs are refused only when the header is written
        except (ValueError, av.error.FFmpegError):
            return False
    return True


def _add_copy(target: Any, picture: Any) -> Any:
    # Opaque: else an encoder of the decoder's name is looked for, which for AV1 there is none.
    return target.add_stream_from_template(picture, opaque=True)


def _container(file: Path) -> str:
    known = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
    if file.suffix.lower() not in known:
        raise OutputError(f"{file} ends in {file.suffix!r}; write .mp4, .mov or .mkv")
    return known[file.suffix.lower()]


def _first_time(clip: Clip, picture: Any) -> Fraction:
    """Return when the first frame is shown, in the stream's own time."""
    if picture.start_time is None or picture.time_base is None:
        return Fraction(0)
    return Fraction(picture.start_time) * Fraction(picture.time_base)


def _feed(target: Any, track: _Track, sound: Iterator[NDArray[np.float32]], until_s: float) -> None:
    while track.time_s < until_s:
        block = next(sound, None)
        if block is None:
            return
        for packet in track.encode(block):
            target.mux(packet)


def write_with_drawn_picture(
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    out: str | os.PathLike[str],
    blocks: Iterable[NDArray[np.float32]],
    *,
    layout: Layout,
    rate_hz: int,
    codec: str = "aac",
    length_s: float,
    sphere: bool = False,
) -> None:
    """Write a video of pictures that we made ourselves, with a sound track.

    Parameters
    ----------
    pictures
        Time in seconds and uint8 RGB ``(h, w, 3)``, all of one size; times ascend.
    out
        An ``.mp4``, ``.mov`` or ``.mkv`` file.
    blocks, layout, rate_hz, codec
        As in :func:`write_under_copied_picture`.
    length_s
        How long the last picture is shown to.
    sphere
        As in :func:`write_under_copied_picture`.
    """
    encoder = codec_for(codec, layout)
    file = Path(out)
    try:
        with beside(file) as made:
            with av.open(str(made), mode="w", format=_container(file)) as target:
                _draw(target, pictures, iter(blocks), encoder, layout, rate_hz, length_s)
            _mark(made, file, sphere=sphere, layout=layout)
    except av.error.FFmpegError as error:
        raise OutputError(f"{file} cannot be written: {reason(error)}") from error


def _draw(
    target: Any,
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    sound: Iterator[NDArray[np.float32]],
    encoder: str,
    layout: Layout,
    rate_hz: int,
    length_s: float,
) -> None:
    stream: Any = None
    track: Any = None
    last: NDArray[np.uint8] | None = None
    shown = -1
    for time_s, pixels in pictures:
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        if min(height, width) < 2:
            raise MediaError(
                f"a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels cannot be made into "
                f"a video"
            )
        even = pixels[:height, :width]
        if stream is None:
            stream = target.add_stream("libx264", rate=30, options={"crf": "20"})
            stream.height, stream.width = height, width
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, _TICKS)
            track = _Track(target, encoder, layout, rate_hz)
        _feed(target, track, sound, time_s + _AHEAD_S)
        shown = round(time_s * _TICKS)
        _show(target, stream, even, shown)
        last = even
    if last is None:
        raise MediaError("there is no picture to write")
    # A file's length ends with its last frame: that one is shown once more just before the end.
    end = round(length_s * _TICKS) - _TICKS // 100
    if end > shown:
        _show(target, stream, last, end)
    _feed(target, track, sound, float("inf"))
    for packet in (*stream.encode(None), *track.encode(None)):
        target.mux(packet)


def _show(target: Any, stream: Any, pixels: NDArray[np.uint8], pts: int) -> None:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame.pts, frame.time_base = pts, Fraction(1, _TICKS)
    for packet in stream.encode(frame):
        target.mux(packet)


def clip_pictures(
    clip: Clip, longest_s: float | None = None, *, longest_side_px: int | None = None
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield a clip's frames as times and pixels, for pictures that are coded anew."""
    frame: Frame
    for frame in frames(clip, longest_s=longest_s):
        yield frame.time_s, frame.rgb(longest_side_px)

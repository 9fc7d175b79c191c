"""Clips: videos and animated pictures as a stream of upright frames with their times.

Frames are decoded one by one and handed on, so memory does not grow with the clip. Times are
presentation times from the file, never counts of frames: a clip of variable frame rate is right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from earwitness.errors import MediaError
from earwitness.media.pictures import SMALLEST_PX, check_file, formats, largest_px, to_rgb
from earwitness.media.spherical import says_spherical

# Containers that hold their own data. Playlists, concatenations and network formats, which could
# make FFmpeg open other files or addresses, are not among them.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,gif,apng,"
    "webp_pipe,dv,mxf,ivf,h264,hevc,y4m,yuv4mpegpipe,nut,wtv,rm,amr,wav,flac,mp3,aac,aiff,caf"
)
SAFE_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "cache"}

ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
"""Pillow's names of the formats whose frames follow each other in time."""

_LONGEST_GIF_STEP_S = 0.1  # what browsers show for a frame that claims to last 0 or 10 ms


@dataclass(frozen=True)
class Clip:
    """What a clip is, before it is decoded.

    Parameters
    ----------
    path
        The file.
    width_px, height_px
        Size of the upright picture.
    duration_s
        Length as the file says, or None where it does not.
    frames_per_s
        Average rate as the file says; for budgets and progress only.
    has_sound
        Whether it has a sound track.
    animated
        Whether it is an animated picture (GIF, WebP, APNG, AVIF) and no video.
    spherical
        Whether the file says that it is an equirectangular 360° picture.
    codec
        FFmpeg's name of the picture's codec; empty for animated pictures.
    """

    path: Path
    width_px: int
    height_px: int
    duration_s: float | None
    frames_per_s: float
    has_sound: bool
    animated: bool
    spherical: bool = False
    codec: str = ""


@dataclass(eq=False)
class Frame:
    """One frame, upright, converted only when it is asked for.

    Parameters
    ----------
    time_s
        When it is shown, seconds from the first frame's time.
    width_px, height_px
        Size of the upright picture.
    """

    time_s: float
    width_px: int
    height_px: int
    _image: Any = field(repr=False)
    _rotation_deg: int = 0

    def rgb(self, longest_side_px: int | None = None) -> NDArray[np.uint8]:
        """Return it as uint8 RGB, shape ``(h, w, 3)``, at most ``longest_side_px`` long."""
        return np.ascontiguousarray(self._converted("rgb24", longest_side_px))

    def grey(self, longest_side_px: int | None = None) -> NDArray[np.uint8]:
        """Return its luminance, uint8, shape ``(h, w)``, at most ``longest_side_px`` long."""
        return np.ascontiguousarray(self._converted("gray", longest_side_px))

    def _converted(self, kind: str, longest_side_px: int | None) -> NDArray[np.uint8]:
        scale = 1.0
        if longest_side_px is not None:
            scale = min(1.0, longest_side_px / max(self.width_px, self.height_px))
        width = max(1, round(self.width_px * scale))
        height = max(1, round(self.height_px * scale))
        if isinstance(self._image, Image.Image):
            image = self._image.convert("L" if kind == "gray" else "RGB")
            sized = image.resize((width, height), Image.Resampling.BILINEAR)
            return np.asarray(sized, dtype=np.uint8)
        turned = self._rotation_deg % 180 == 90
        pixels = self._image.to_ndarray(
            format=kind,
            width=height if turned else width,
            height=width if turned else height,
            interpolation="AREA" if scale < 1.0 else "BILINEAR",
        )
        # The display matrix turns anticlockwise, as rot90 does.
        upright: NDArray[np.uint8] = np.rot90(pixels, self._rotation_deg // 90)
        return upright


def is_clip(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a video or an animated picture.

    Pages of a TIFF and the further pictures in a camera's JPEG (depth, gain map, the other eye) are
    no frames: of such files the first is looked at as a still.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream, Image.open(stream, formats=list(formats())) as image:
            return image.format in ANIMATED and bool(getattr(image, "is_animated", False))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        pass
    try:
        with file.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    return (
        (
            head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
            and head[8:12] not in (b"heic", b"heix", b"mif1", b"avif", b"heim", b"hevc")
        )
        or head[:4] in (b"\x1aE\xdf\xa3", b"RIFF", b"OggS", b"FLV\x01", b"0&\xb2u")
        or head[:4] in (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"fLaC", b"ID3\x03", b"ID3\x04")
        or (head[:1] == b"G" and file.suffix.lower() in (".ts", ".mts", ".m2ts"))
        or file.suffix.lower() in VIDEO_SUFFIXES
    )


VIDEO_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts", "mts", "m2ts", "ogv"),
        *("flv", "wmv", "3gp", "mxf", "dv", "wav", "mp3", "flac", "ogg", "m4a", "aac"),
    )
)
"""Suffixes that are taken at their word where the first bytes say nothing. Sounds are among them
so that they get the message that a sound has no picture."""


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _open(stream: Any, file: Path) -> Any:
    try:
        return av.open(stream, mode="r", options=dict(SAFE_OPTIONS))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            f"{file} is no clip that can be read ({_reason(error)}); give a video such as mp4, "
            f"mkv, webm, mov or avi, or an animated GIF, WebP, PNG or AVIF. It may be cut short or "
            f"damaged"
        ) from error


def picture_stream(container: Any, file: Path) -> Any:
    """Return the video stream of an open container.

    Raises
    ------
    MediaError
        If there is none, or its codec is not there to decode.
    """
    # A cover picture in a sound file is a video stream too, of one attached picture.
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    if not streams:
        what = "sound only" if container.streams.audio else "neither picture nor sound"
        raise MediaError(f"{file} holds {what}; give a clip with a picture")
    stream = streams[0]
    if stream.codec_context is None:
        raise MediaError(
            f"{file} is in a codec that is not there to decode; convert it to H.264 first"
        )
    return stream


def _rotation_deg(frame: Any) -> int:
    return round(float(getattr(frame, "rotation", 0) or 0) / 90.0) * 90 % 360


def _check_size(file: Path, width: int, height: int) -> None:
    allowed = largest_px()
    if 1 <= min(width, height) < SMALLEST_PX:
        raise MediaError(
            f"{file} has frames of {width} x {height} pixels; nothing can be seen in fewer than "
            f"{SMALLEST_PX} on a side"
        )
    if width * height > allowed or width < 1 or height < 1:
        raise MediaError(
            f"{file} has frames of {width} x {height} pixels; at most {allowed} pixels in all are "
            f"decoded. Make it smaller"
        )


def read_clip(path: str | os.PathLike[str]) -> Clip:
    """Return what a clip is, without decoding more than its first frame.

    Parameters
    ----------
    path
        A video, or an animated GIF, WebP, PNG or AVIF.

    Raises
    ------
    MediaError
        If there is no such file, it has no picture, or nothing in it can be decoded.
    """
    file = Path(path)
    check_file(file, "clip")
    animated = _animated(file)
    if animated is not None:
        with file.open("rb") as stream, animated(stream) as image:
            _check_size(file, *image.size)
            count = int(getattr(image, "n_frames", 1))
            length = 0.0
            for number in range(count):
                image.seek(number)
                image.load()  # of a WebP, how long a frame lasts is told by decoding it alone
                length += _step_s(image)
            rate = count / max(length, 1e-3)
            width, height = image.size
            return Clip(file, width, height, length, rate, has_sound=False, animated=True)
    with file.open("rb") as stream, _open(stream, file) as container:
        video = picture_stream(container, file)
        _check_size(file, video.codec_context.width, video.codec_context.height)
        first = next(_decoded(container, video, file), None)
        if first is None:
            raise MediaError(f"{file} holds no frame that can be decoded; fetch or export it again")
        turned = _rotation_deg(first) % 180 == 90
        width, height = (first.height, first.width) if turned else (first.width, first.height)
        length_s = None
        if video.duration is not None and video.time_base is not None:
            length_s = float(video.duration * video.time_base)
        elif container.duration is not None:
            length_s = _length_s(container, video)
        return Clip(
            file,
            width,
            height,
            length_s,
            float(video.average_rate or video.guessed_rate or 25),
            has_sound=bool(container.streams.audio),
            animated=False,
            spherical=says_spherical(file),
            codec=str(video.codec.canonical_name),
        )


def _length_s(container: Any, video: Any) -> float:
    """Return how long the picture is by the length of the whole file."""
    length = float(container.duration / av.time_base)
    if video.start_time is None or video.time_base is None:
        return length
    # Matroska counts from time 0, whatever begins then; other kinds from what begins first.
    matroska = "matroska" in container.format.name
    origin = 0.0 if matroska else (container.start_time or 0) / av.time_base
    late = float(video.start_time * video.time_base) - origin
    return length - late if 0.0 < late < length else length


def _animated(file: Path) -> Any:
    """Return an opener when the file is an animated picture, else None."""

    def opener(stream: Any) -> Image.Image:
        return Image.open(stream, formats=[f for f in formats() if f in ANIMATED])

    try:
        with file.open("rb") as stream, opener(stream) as image:
            return opener if getattr(image, "is_animated", False) else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _step_s(image: Image.Image) -> float:
    step = float(image.info.get("duration") or 0.0) / 1000.0
    return step if step > 0.010 else _LONGEST_GIF_STEP_S


def _decoded(container: Any, video: Any, file: Path) -> Iterator[Any]:
    """Yield decoded frames; a damaged end of the file ends the clip, a damaged start is told."""
    video.thread_type = "AUTO"
    got = 0
    try:
        for frame in container.decode(video):
            if frame.width > 0 and frame.height > 0:
                got += 1
                yield frame
    except (av.error.FFmpegError, OSError, ValueError, EOFError) as error:
        if got == 0:
            raise MediaError(f"{file} cannot be decoded: {_reason(error)}") from error


class _Deinterlacer:
    """Passes frames through FFmpeg's bwdif when they say that they are interlaced."""

    def __init__(self) -> None:
        self._graph: Any = None

    def __call__(self, frame: Any, video: Any) -> Iterator[Any]:
        if self._graph is None and not frame.interlaced_frame:
            yield frame
            return
        if self._graph is None:
            graph = av.filter.Graph()
            source = graph.add_buffer(template=video)
            filtered = graph.add("bwdif", "mode=send_frame:deint=interlaced")
            sink = graph.add("buffersink")
            source.link_to(filtered)
            filtered.link_to(sink)
            graph.configure()
            self._graph = graph
        self._graph.push(frame)
        while True:
            try:
                yield self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def frames(clip: Clip, *, longest_s: float | None = None) -> Iterator[Frame]:
    """Yield a clip's frames in the order of their times.

    Parameters
    ----------
    clip
        From :func:`read_clip`.
    longest_s
        Stop after this time.

    Yields
    ------
    Frame
        Times ascend strictly; a frame whose time does not is left out.
    """
    last = -1.0
    for frame in _pictures(clip) if clip.animated else _movie(clip):
        if longest_s is not None and frame.time_s > longest_s:
            return
        if frame.time_s > last:
            last = frame.time_s
            yield frame


def _pictures(clip: Clip) -> Iterator[Frame]:
    opener = _animated(clip.path)
    with clip.path.open("rb") as stream, opener(stream) as image:
        time_s = 0.0
        try:
            for still in ImageSequence.Iterator(image):
                pixels = Image.fromarray(to_rgb(still.copy()))
                yield Frame(time_s, clip.width_px, clip.height_px, pixels)
                time_s += _step_s(still)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            if time_s == 0.0:
                raise MediaError(f"{clip.path} cannot be decoded: {_reason(error)}") from error


def _movie(clip: Clip) -> Iterator[Frame]:
    with clip.path.open("rb") as stream, _open(stream, clip.path) as container:
        video = picture_stream(container, clip.path)
        deinterlace = _Deinterlacer()
        start: float | None = None
        count = 0
        for decoded in _decoded(container, video, clip.path):
            rotation = _rotation_deg(decoded)
            for frame in deinterlace(decoded, video):
                _check_size(clip.path, frame.width, frame.height)
                if frame.pts is None or frame.time_base is None:
                    at = count / clip.frames_per_s
                else:
                    at = float(frame.pts * frame.time_base)
                start = at if start is None else start
                count += 1
                turned = rotation % 180 == 90
                width, height = (
                    (frame.height, frame.width) if turned else (frame.width, frame.height)
                )
                yield Frame(at - start, width, height, frame, rotation)

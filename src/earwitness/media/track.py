"""Sound tracks as blocks: a clip's own, at the rate and layout that are needed, and our WAVs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitness.media.clips import SAFE_OPTIONS, Clip, picture_stream
from earwitness.scene import Layout


def own_sound(
    clip: Clip, *, layout: Layout, rate_hz: int, longest_s: float | None = None
) -> Iterator[NDArray[np.float32]]:
    """Yield a clip's own sound, mixed to a layout by FFmpeg's rules, from its first frame on.

    Parameters
    ----------
    clip
        A clip that has a sound track.
    layout
        Loudspeakers or binaural (which takes a stereo mix).
    rate_hz
        Sampling rate wanted.
    longest_s
        Stop after this time.

    Yields
    ------
    ndarray, shape ``(channels, samples)``
    """
    name = "stereo" if layout.kind == "binaural" else layout.title
    left = None if longest_s is None else round(longest_s * rate_hz)
    channels = len(layout.channels)
    with (
        clip.path.open("rb") as stream,
        av.open(stream, mode="r", options=dict(SAFE_OPTIONS)) as container,
    ):
        sound = container.streams.audio[0]
        video = picture_stream(container, clip.path)
        resampler = av.AudioResampler(format="flt", layout=name, rate=rate_hz)
        begin = float((video.start_time or 0) * video.time_base) if video.time_base else 0.0
        late: int | None = None
        try:
            for frame in _frames(container, sound):
                if late is None and frame is not None:
                    at = float(frame.pts * frame.time_base) if frame.pts is not None else begin
                    late = round((at - begin) * rate_hz)
                    if late > 0:
                        yield np.zeros((channels, late), np.float32)
                for part in resampler.resample(frame):
                    block = part.to_ndarray().reshape(-1, channels).T
                    if late is not None and late < 0:
                        cut = min(-late, block.shape[1])
                        block, late = block[:, cut:], late + cut
                    if left is not None:
                        block = block[:, :left]
                        left -= block.shape[1]
                    if block.shape[1]:
                        yield np.ascontiguousarray(block, dtype=np.float32)
                    if left == 0:
                        return
        except av.error.FFmpegError:
            return  # a damaged end of the sound track is silence


def _frames(container: Any, sound: Any) -> Iterator[Any]:
    yield from container.decode(sound)
    yield None


_BLOCK = 1 << 15


def wav_blocks(path: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the samples of a WAV file that we wrote, blocks of shape ``(channels, samples)``."""
    with soundfile.SoundFile(str(path)) as file:
        while True:
            block = file.read(_BLOCK, dtype="float32", always_2d=True)
            if not len(block):
                return
            yield np.ascontiguousarray(block.T)

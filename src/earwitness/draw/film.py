"""A map through the hours of a day, as a film."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.draw.atlas import Sheet, draw_maps
from earwitness.errors import OutputError
from earwitness.media.output import beside, reason

_RATE = 3
"""Frames per second: the eye follows a third of a second."""


def write_film(
    path: str | os.PathLike[str],
    values: NDArray[np.float32],
    queries: Sequence[str],
    times: Sequence[str],
    sheet: Sheet,
    ranges: Sequence[tuple[float, float]],
) -> None:
    """Write an MP4 (H.264) with one picture for each time, whole or not at all.

    Parameters
    ----------
    path
        The file.
    values
        Shape ``(times * queries, rows, columns)``, times first.
    queries, times
        What is shown, and when.
    sheet
        Bounds, coast and notes.
    ranges
        Lowest and highest value of each query's colour bar.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    import av
    import av.error

    count = len(queries)
    with beside(Path(path)) as made:
        try:
            with av.open(str(made), "w", format="mp4") as film:
                stream = None
                for k, time in enumerate(times):
                    canvas = draw_maps(
                        values[k * count : (k + 1) * count],
                        [f"{query}   {time}" for query in queries],
                        sheet,
                        ranges=ranges,
                        width_px=960 if count == 1 else 640,
                    )
                    pixels = np.asarray(canvas.image())
                    height, width = (v // 2 * 2 for v in pixels.shape[:2])
                    if stream is None:
                        stream = film.add_stream("libx264", rate=_RATE, options={"crf": "20"})
                        stream.width, stream.height = width, height
                        stream.pix_fmt = "yuv420p"
                    frame = av.VideoFrame.from_ndarray(
                        np.ascontiguousarray(pixels[:height, :width]), format="rgb24"
                    )
                    film.mux(stream.encode(frame))
                if stream is not None:
                    film.mux(stream.encode(None))
        except av.error.FFmpegError as error:
            raise OutputError(f"{path} cannot be written: {reason(error)}") from error

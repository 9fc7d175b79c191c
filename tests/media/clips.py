"""Small clips for tests, made by FFmpeg's libraries."""

from fractions import Fraction

import av
import numpy as np
from PIL import Image


def picture(number, width=64, height=48):
    """A grey gradient with a bright square that moves to the right."""
    row, column = np.mgrid[0:height, 0:width]
    pixels = np.stack([60 + row, 60 + column, 80 + 0 * row], axis=-1).astype(np.uint8)
    left = 4 + 3 * number % (width - 16)
    pixels[height // 2 : height // 2 + 8, left : left + 8] = 250
    return pixels


def write_clip(
    path, *, times=None, width=64, height=48, codec="libx264", sound=False, options=None, start=0.0
):
    """Write a clip whose frames are shown at given times; return them."""
    times = [i / 25 for i in range(20)] if times is None else times
    # x264's fast routines make other bytes of the same small pictures from time to time.
    same = {"x264-params": "asm=0"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, options=same | (options or {}))
        video.width, video.height = width, height
        video.pix_fmt = "yuv420p" if width % 2 == 0 and height % 2 == 0 else "yuv444p"
        video.codec_context.time_base = Fraction(1, 1000)
        if sound:
            audio = container.add_stream("aac", rate=48000)
            audio.layout = "stereo"
        for number, at in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
            frame.pts, frame.time_base = round((at + start) * 1000), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound:
            count = int((times[-1] + 0.04) * 48000)
            tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(count) / 48000)
            packed = np.repeat(tone[:, None], 2, axis=1).astype(np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
            frame.sample_rate, frame.pts = 48000, 0
            frame.time_base = Fraction(1, 48000)
            for packet in (*audio.encode(frame), *audio.encode(None)):
                container.mux(packet)
    return times


def write_animation(path, *, count=6, step_ms=120, width=64, height=48):
    """Write an animated picture; the suffix tells the kind."""
    stills = [Image.fromarray(picture(i, width, height)) for i in range(count)]
    stills[0].save(path, save_all=True, append_images=stills[1:], duration=step_ms, loop=0)

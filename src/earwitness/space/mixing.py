"""A scene's sound together with a sound track that was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from earwitness.loudness import Meter, channel_weights
from earwitness.scene import Layout, layout_named
from earwitness.space.render import TRUE_PEAK_DB, Rendering, Spool

Blocks = Callable[[], Iterator[NDArray[np.float32]]]


def mixed(
    scene: Rendering,
    own: Blocks,
    own_layout: Layout,
    *,
    loudness_lufs: float | None,
    true_peak_db: float = TRUE_PEAK_DB,
) -> Rendering:
    """Return a rendered scene mixed with another sound, both equally loud.

    Parameters
    ----------
    scene
        The rendered scene.
    own
        Called for a fresh stream of the other sound, blocks ``(channels, samples)`` at the scene's
        rate, in the scene's layout or in mono. What is longer than the scene is left out.
    own_layout
        Layout of the other sound.
    loudness_lufs
        Integrated loudness of the result. None keeps both levels as they are.
    true_peak_db
        True peak that is never exceeded, dBTP.
    """
    meter = Meter(channel_weights(own_layout), scene.rate_hz)
    for block in own():
        meter.add(block)
    gain = 1.0
    known = np.isfinite(meter.integrated_lufs) and np.isfinite(scene.loudness_lufs)
    if loudness_lufs is not None and known:
        gain = 10 ** ((scene.loudness_lufs - meter.integrated_lufs) / 20)
    into = _spread(own_layout, scene.layout) * np.float32(gain)
    spool = Spool(len(scene.layout.channels))
    total = Meter(channel_weights(scene.layout), scene.rate_hz)
    other = _Reader(own(), len(own_layout.channels))
    for block in scene.blocks():
        both = np.asarray(block + into @ other.read(block.shape[1]), np.float32)
        spool.append(both)
        total.add(both)
    return Rendering(
        spool,
        scene.layout,
        scene.rate_hz,
        loudness_lufs=loudness_lufs,
        true_peak_db=true_peak_db,
        meter=total,
    )


def _spread(own: Layout, layout: Layout) -> NDArray[np.float32]:
    """Return gains from the other sound's channels to the layout's, ``(channels, own)``."""
    if own.name == layout.name:
        return np.eye(len(layout.channels), dtype=np.float32)
    gains = np.zeros((len(layout.channels), len(own.channels)), np.float32)
    if layout.kind == "ambisonics":
        # W, and the horizontal pair Y and X, of each loudspeaker's direction (ACN, SN3D).
        for i, channel in enumerate(own.channels):
            turn = np.radians(channel.azimuth_deg)
            gains[[0, 1, 3], i] = (1.0, np.sin(turn), np.cos(turn))
    else:
        gains[: len(own.channels)] = np.eye(len(own.channels), dtype=np.float32)
    return gains


def own_layout_for(layout: Layout) -> Layout:
    """Return the layout in which another sound is to be given so that it can be mixed in.

    Examples
    --------
    >>> own_layout_for(layout_named("foa")).title, own_layout_for(layout_named("5.1")).title
    ('stereo', '5.1')
    """
    plain = {"mono", "stereo", "quad", "5.1", "7.1"}
    return layout if layout.title in plain else layout_named("stereo")


class _Reader:
    """Blocks of any length, read in any other; silence after the end."""

    def __init__(self, blocks: Iterator[NDArray[np.float32]], channels: int) -> None:
        self._blocks, self._left = blocks, np.zeros((channels, 0), np.float32)

    def read(self, samples: int) -> NDArray[np.float32]:
        while self._left.shape[1] < samples:
            block = next(self._blocks, None)
            if block is None:
                short = samples - self._left.shape[1]
                self._left = np.pad(self._left, ((0, 0), (0, short)))
                break
            self._left = np.concatenate([self._left, block], axis=1)
        out, self._left = self._left[:, :samples], self._left[:, samples:]
        return out

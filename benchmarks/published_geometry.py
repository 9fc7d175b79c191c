"""How the published SEE-2-SOUND places and renders sources, for its row in our tables.

Transcribed in our own words from its ``inference.py`` (arXiv 2406.06612): pixels are metres in a
room of the picture's width, height and half its width; the depth is min-max normalised and
inverted; the six microphones stand off the middle of the room's floor along mixed axes;
pyroomacoustics' ``ShoeBox`` keeps its defaults (one reflection from each wall, none absorbed);
each channel is cut around its own middle and multiplied by 150 into 16 bits.
"""

from __future__ import annotations

import numpy as np
import pyroomacoustics

RATE_HZ = 16000
MICROPHONES = {
    "FL": (0.0, 0.0, 100.0),
    "FR": (0.0, 0.0, -100.0),
    "FC": (10.0, 0.0, 0.0),
    "LFE": (0.0, -100.0, 0.0),
    "BL": (-100.0, 0.0, 0.0),
    "BR": (0.0, 100.0, 0.0),
}
"""Metres from the middle of the floor of the room, by channel of 5.1."""
GAIN = 15.0 * 10.0


def places(
    boxes_middle_px: np.ndarray, disparity: np.ndarray, size_px: tuple[int, int]
) -> np.ndarray:
    """Return where sources stand in the room, shape ``(n, 3)``.

    ``disparity`` is what a relative depth model gives at the middles of the boxes (large is near),
    already min-max normalised over the picture to 0…255.
    """
    depth = (255.0 - disparity) * (0.5 * size_px[0] / 255.0)
    return np.column_stack([np.floor(boxes_middle_px), depth])


def render(at: np.ndarray, stems: list[np.ndarray], size_px: tuple[int, int]) -> list[np.ndarray]:
    """Return what each source alone gives in the six channels: a list of ``(6, samples)``."""
    room = np.array([size_px[0], size_px[1], 0.5 * size_px[0]])
    middle = np.array([room[0] / 2, room[1] / 2, 0.0])
    samples = len(stems[0])
    heard = [np.zeros((6, samples)) for _ in stems]
    for channel, offset in enumerate(MICROPHONES.values()):
        microphone = middle + offset
        if np.any(microphone < 0) or np.any(microphone > room):
            continue  # outside the room no image is visible: the channel is silent
        alone = []
        for place, stem in zip(at, stems):
            box = pyroomacoustics.ShoeBox(room, fs=RATE_HZ)
            box.add_source(np.clip(place, 1e-3, room - 1e-3), signal=stem)
            box.add_microphone(microphone)
            box.simulate()
            alone.append(box.mic_array.signals[0])
        # All sources share one signal in the original, so the longest decides where it is cut.
        length = max(len(signal) for signal in alone)
        cut = int((length - samples) / 2)
        for source, signal in enumerate(alone):
            part = np.pad(signal, (0, length - len(signal)))[cut : cut + samples]
            heard[source][channel, : len(part)] = np.clip(GAIN * part, -1.0, 1.0)
    return heard

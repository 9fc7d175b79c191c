"""Plain log-mel statistics of a sound, and the wear that recordings have and ours have not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

RATE_HZ = 22050
BANDS = 40
WINDOW_S = 4.0
_FRAME, _HOP = 1024, 512


def _mel(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + frequency_hz / 700))


def filterbank() -> NDArray[np.float64]:
    """Return triangles from 60 Hz to 10 kHz, shape ``(BANDS, bins)``, each of area 1."""
    axis = _mel(np.fft.rfftfreq(_FRAME, 1 / RATE_HZ))
    edges = np.linspace(_mel(np.array(60.0)), _mel(np.array(10000.0)), BANDS + 2)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bank = np.minimum((axis - low) / (middle - low), (high - axis) / (high - middle)).clip(0)
    return np.asarray(bank / np.maximum(bank.sum(axis=1, keepdims=True), 1e-9))


_BANK = filterbank()


def statistics(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of a mono sound at :data:`RATE_HZ`.

    Per band of the log-mel spectrogram: mean, deviation, the 10th and 90th percentile, and the
    deviation of its change from frame to frame; of the whole level: its modulation spectrum in
    eight octaves from 0.25 Hz, and how much of the time is quiet. The loudness is taken out.
    """
    if len(samples) < 4 * _FRAME:
        samples = np.pad(samples, (0, 4 * _FRAME - len(samples)))
    _, _, cells = signal.stft(
        samples, RATE_HZ, "hann", _FRAME, _FRAME - _HOP, boundary=None, padded=False
    )
    power = _BANK @ (np.abs(cells) ** 2)
    total = power.sum(axis=0)
    quiet = total < 1e-4 * total.max()
    heard = power[:, ~quiet] if (~quiet).sum() >= 4 else power
    mel = 10 * np.log10(np.maximum(heard, 1e-5 * heard.max()))
    mel -= mel.mean()
    change = np.diff(mel, axis=1)
    envelope = 10 * np.log10(np.maximum(total, 1e-5 * total.max()))
    spectrum = np.abs(fft.rfft(envelope - envelope.mean(), 1024)) / len(envelope)
    axis = fft.rfftfreq(1024, _HOP / RATE_HZ)
    octaves = [
        spectrum[(axis >= 0.25 * 2**k) & (axis < 0.25 * 2 ** (k + 1))].mean() if k < 7 else 0.0
        for k in range(7)
    ]
    peaky = (power / np.maximum(total, 1e-20)).max(axis=0)
    return np.concatenate(
        [
            mel.mean(axis=1),
            mel.std(axis=1),
            *np.percentile(mel, [10, 90], axis=1),
            change.std(axis=1),
            np.log(np.array(octaves) + 1e-3),
            [quiet.mean(), np.log(envelope.std() + 0.1), np.log(peaky.mean()), peaky.std()],
        ]
    )


def windows(samples: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the stretches of 4 s, half overlapping, that sound; a shorter sound whole."""
    length = round(WINDOW_S * RATE_HZ)
    if len(samples) <= length:
        return [samples]
    found = [samples[i : i + length] for i in range(0, len(samples) - length + 1, length // 2)]
    energy = np.array([np.sum(w**2) for w in found])
    return [w for w, e in zip(found, energy, strict=True) if e > 0.05 * energy.max()][:8]


def worn(samples: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a sound as some unknown microphone and file might have left it.

    A tilt of up to 4 dB per octave, the band limits of old files, a little room,
    noise 15 to 60 dB below, and a stretch from 0.5 s to the whole: what tells recordings from
    ours must not tell one concept from another.
    """
    count = fft.next_fast_len(len(samples), real=True)
    axis = np.maximum(fft.rfftfreq(count, 1 / RATE_HZ), 20.0)
    tilt = 10 ** (rng.uniform(-4, 4) * np.log2(axis / 1000) / 20)
    if rng.random() < 0.6:
        tilt[axis > rng.choice([2700.0, 4000.0, 5500.0, 5500.0, 8000.0, 10000.0])] *= 1e-3
    if rng.random() < 0.5:
        tilt /= np.sqrt(1 + (rng.uniform(60, 300) / axis) ** 4)
    made = fft.irfft(fft.rfft(samples, count) * tilt, count)[: len(samples)]
    if rng.random() < 0.5:
        decay = rng.uniform(0.05, 0.4)
        time_s = np.arange(round(2 * decay * RATE_HZ)) / RATE_HZ
        tail = rng.standard_normal(len(time_s)) * np.exp(-3 * time_s / decay)
        tail *= 10 ** (rng.uniform(-20, -3) / 20) / np.sqrt(np.sum(tail**2))
        tail[0] = 1.0
        made = signal.oaconvolve(made, tail)[: len(made)]
    noise = rng.standard_normal(len(made))
    made = made + noise * made.std() * 10 ** (-rng.uniform(15, 60) / 20)
    length = round(rng.uniform(0.5, 4.5) * RATE_HZ)
    if length < len(made):
        best = max(
            (int(rng.integers(0, len(made) - length)) for _ in range(3)),
            key=lambda at: float(np.sum(made[at : at + length] ** 2)),
        )
        made = made[best : best + length]
    return np.asarray(made)

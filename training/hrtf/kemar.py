"""Make ``kemar.npz``, the head-related impulse responses that binaural rendering uses.

Source: the measurement of a KEMAR dummy head (normal pinna) by Bill Gardner and Keith Martin,
MIT Media Lab, 1994 (Technical Report 280; JASA 97(6), 1995), as the file
``MIT_KEMAR_normal_pinna.sofa`` of libmysofa (Debian package ``libmysofa1``):

    apt-get download libmysofa1 && dpkg -x libmysofa1_*.deb mysofa
    python training/hrtf/kemar.py mysofa/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa \
        src/earwitness/space/data/kemar.npz

Needs h5py, and scipy as earwitness itself does. What is done to the measurement:

- The two ears of the set mirror each other exactly (checked), so the left ear alone is kept.
- It is equalised by one filter for all directions: the inverse of its diffuse-field response,
  smoothed over third octaves, which takes out the loudspeaker and the ear canal. Above 1 kHz the
  diffuse field then falls by 1.5 dB per octave, as listeners prefer of headphones (Olive, Welti
  and McMullin, AES 135, 2013). Differences between ears at any frequency stay as measured.
- The time of arrival is taken out of every response (first sample above 5 % of the peak, at 16
  times the rate) and kept beside it, so that neighbours can be interpolated without a comb.
- Below 150 Hz, where the measuring loudspeaker gave little, level and delay are those at 300 Hz.
- Resampled from 44.1 to 48 kHz, cut to 224 samples.
- Below the lowest ring (elevation -40°), which the measurement lacks, a nadir is added: the mean
  of that ring.
"""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
from scipy import signal
from scipy.spatial import ConvexHull

RATE_HZ = 48000
TAPS = 224
LEAD = 12
FADE = 72
TILT_DB = -1.5
MOST_BOOST_DB = 18.0


def minimum_phase(magnitude: np.ndarray) -> np.ndarray:
    """Return the impulse response of minimum phase with a magnitude given from 0 to Nyquist."""
    size = 2 * (len(magnitude) - 1)
    cepstrum = np.fft.irfft(np.log(magnitude), size)
    fold = np.zeros(size)
    fold[0] = fold[size // 2] = 1
    fold[1 : size // 2] = 2
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum * fold)), size)


def ring_weights(elevation_deg: np.ndarray) -> np.ndarray:
    """Return each direction's share of the sphere."""
    weights = np.zeros(len(elevation_deg))
    for ring in np.unique(elevation_deg):
        of_ring = elevation_deg == ring
        weights[of_ring] = np.cos(np.radians(min(ring, 87.5))) / of_ring.sum()
    return weights / weights.sum()


def diffuse_db(responses: np.ndarray, weights: np.ndarray, rate_hz: float) -> np.ndarray:
    """Return the diffuse-field level, smoothed over third octaves, at 2049 frequencies."""
    size = 4096
    frequency = np.fft.rfftfreq(size, 1 / rate_hz)
    power = weights @ np.abs(np.fft.rfft(responses, size)) ** 2
    return 10 * np.log10(
        [
            power[(frequency >= f * 2 ** (-1 / 6)) & (frequency <= f * 2 ** (1 / 6))].mean()
            for f in np.maximum(frequency, 60.0)
        ]
    )


def equaliser(level_db: np.ndarray, rate_hz: float, *, tilt_db: float = 0.0) -> np.ndarray:
    """Return the filter that makes a level flat, then lets it fall above 1 kHz."""
    frequency = np.linspace(0, rate_hz / 2, len(level_db))
    gain_db = tilt_db * np.log2(np.maximum(frequency / 1000, 1)) - level_db
    gain_db = np.minimum(gain_db, np.interp(500, frequency, gain_db) + MOST_BOOST_DB)
    return minimum_phase(10 ** (gain_db / 20))


def arrival_s(response: np.ndarray, rate_hz: float) -> float:
    """Return when a response begins."""
    fine = np.abs(signal.resample_poly(response, 16, 1))
    return float(np.argmax(fine > 0.05 * fine.max())) / (16 * rate_hz)


def with_bass(aligned: np.ndarray) -> np.ndarray:
    """Return responses with the bass that the measuring loudspeaker lacked.

    Below 150 Hz a head is small against the wavelength: level and delay are those found from 200
    to 400 Hz, and the measurement fades in from 150 to 300 Hz.
    """
    size = aligned.shape[1]
    frequency = np.fft.rfftfreq(size, 1 / RATE_HZ)
    spectrum = np.fft.rfft(aligned)
    here = (frequency >= 200) & (frequency <= 400)
    level = np.sqrt(np.mean(np.abs(spectrum[:, here]) ** 2, axis=1))
    turn = np.unwrap(np.angle(spectrum[:, here]), axis=1)
    delay_s = -np.mean(turn / (2 * np.pi * frequency[here]), axis=1)
    bass = level[:, None] * np.exp(-2j * np.pi * frequency[None] * delay_s[:, None])
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((frequency - 150) / 150, 0, 1))
    return np.fft.irfft(fade * bass + (1 - fade) * spectrum, size)


def cut(responses: np.ndarray) -> np.ndarray:
    """Return responses of the final length, faded in and out."""
    out = responses[:, :TAPS].copy()
    out[:, -FADE:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(FADE) + 0.5) / FADE)
    out[:, : LEAD // 2] *= np.linspace(0, 1, LEAD // 2 + 1)[1:]
    return out


def main(sofa: str, out: str) -> None:
    with h5py.File(sofa) as file:
        azimuth, elevation, _ = file["SourcePosition"][:].T
        both = file["Data.IR"][:]
        rate_hz = float(file["Data.SamplingRate"][0])
    for i in range(len(azimuth)):
        turn = np.abs((azimuth + azimuth[i] + 180) % 360 - 180)
        mirror = np.argmin(turn + 10 * np.abs(elevation - elevation[i]))
        assert np.array_equal(both[i], both[mirror][::-1]), "the set is not symmetric"
    left = both[:, 0]
    arrival = np.array([arrival_s(response, rate_hz) for response in left])
    weights = ring_weights(elevation)
    filter_ = equaliser(diffuse_db(left, weights, rate_hz), rate_hz, tilt_db=TILT_DB)
    equalised = signal.fftconvolve(left, filter_[None, :], axes=1)[:, :2048]
    resampled = signal.resample_poly(equalised, 160, 147, axis=1, window=("kaiser", 12.0))
    size = 4096
    turn = np.fft.rfftfreq(size, 1 / RATE_HZ)[None] * (arrival - LEAD / RATE_HZ)[:, None]
    aligned = np.fft.irfft(np.fft.rfft(resampled, size) * np.exp(2j * np.pi * turn), size)
    aligned = cut(with_bass(aligned))
    # Cutting took some bass away again: a second, gentle filter gives it back below 500 Hz.
    level_db = diffuse_db(aligned, weights, RATE_HZ)
    bins = np.linspace(0, RATE_HZ / 2, len(level_db))
    level_db -= np.interp(500, bins, level_db)
    again = equaliser(np.where(bins < 500, level_db, 0.0), RATE_HZ)
    aligned = cut(signal.fftconvolve(aligned, again[None, :], axes=1))
    # A source ahead is as loud as a mono sound panned to the middle of a stereo pair: each ear
    # has half the power, over a pink spectrum.
    front = np.flatnonzero((azimuth == 0) & (elevation == 0))[0]
    frequency = np.fft.rfftfreq(size, 1 / RATE_HZ)
    pink = np.where((frequency > 50) & (frequency < 16000), 1 / np.maximum(frequency, 1), 0)
    power = np.sum(pink * np.abs(np.fft.rfft(aligned[front], size)) ** 2) / pink.sum()
    aligned *= np.sqrt(0.5 / power)
    ring = elevation == elevation.min()
    azimuth, elevation = np.append(azimuth, 0.0), np.append(elevation, -90.0)
    aligned = np.concatenate([aligned, aligned[ring].mean(axis=0, keepdims=True)])
    arrival = np.append(arrival, arrival[ring].mean()) - arrival.min()
    a, e = np.radians(azimuth), np.radians(elevation)
    xyz = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    scale = np.abs(aligned).max() / 32767
    np.savez_compressed(
        out,
        directions=xyz.astype(np.float32),
        arrival_s=arrival.astype(np.float32),
        responses=np.rint(aligned / scale).astype(np.int16),
        scale=np.float32(scale),
        triangles=ConvexHull(xyz).simplices.astype(np.int16),
        rate_hz=np.int32(RATE_HZ),
    )
    print(f"{len(xyz)} directions, {TAPS} taps, {Path(out).stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])

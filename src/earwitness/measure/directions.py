"""Where a sound is heard: the direction that loudspeakers, a first-order field or ears give.

- **Ambisonics**: the active intensity vector of the first four channels (Jarrett, Habets and
  Naylor, "3D source localization in the spherical harmonic domain using a pseudointensity vector",
  EUSIPCO 2010).
- **Loudspeakers**: each is a plane wave from its direction. ``beam`` forms four beams at the
  listener's place, one of every direction and three figures of eight, and takes the intensity
  between them, as an intensity probe there would. ``energy`` is Gerzon's energy vector ("General
  metatheory of auditory localisation", AES 92, 1992), which looks at powers alone. LFE is left out.
- **Binaural**: the time difference between the ears, sought where the cross-correlation below
  1.5 kHz is highest, becomes an angle by a spherical head; the level difference is told beside it.
  Low frequencies arrive later than Woodworth's ray around the head (Kuhn, "Model for the interaural
  time differences in the azimuthal plane", JASA 62, 1977), and the band lies between both, so
  their mean is taken; it errs by up to 5° on a KEMAR head. Two ears tell left from right only: the
  direction lies on a cone, and the one in front, in the horizontal plane, stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import rfft
from scipy.signal.windows import hann

from earwitness.errors import OptionError
from earwitness.measure.spectra import frames
from earwitness.scene import Layout, Sound
from earwitness.scene.frame import SPEED_OF_SOUND_M_S, xyz

Method = Literal["beam", "energy"]

WINDOW = 2048
HEAD_M = 0.0875
"""Radius of the spherical head."""
_EAR_TOP_HZ = 1500.0
_EAR_LATEST_S = 0.9e-3
_FINER = 16  # times that the cross-correlation is interpolated

Array = NDArray[np.float64]
Spectra = NDArray[np.complex128]


@dataclass(frozen=True)
class Direction:
    """Where something is heard.

    Parameters
    ----------
    towards
        Unit vector x (front), y (left), z (up); zeros where nothing is heard or nothing stands out.
    focus
        How sharply, 0 (from everywhere, or cancelled out) to 1 (from one direction).
    level_db
        Power of all channels that were used, dB re full scale; −200 for silence.
    itd_us, ild_db
        Ears only: time and level difference, left first or louder above 0; else NaN.
    """

    towards: tuple[float, float, float]
    focus: float
    level_db: float
    itd_us: float = float("nan")
    ild_db: float = float("nan")

    @property
    def heard(self) -> bool:
        """Whether there is a direction at all."""
        return any(self.towards)


def transform(samples: ArrayLike) -> Spectra:
    """Return short-time spectra, frames centred on every 1024th sample.

    Parameters
    ----------
    samples
        Shape ``(channels, samples)``.

    Returns
    -------
    ndarray, shape ``(channels, bins, frames)``
    """
    wave = np.atleast_2d(np.asarray(samples, dtype=np.float64))
    window = hann(WINDOW, sym=False)
    return np.stack(
        [rfft(frames(channel, WINDOW, WINDOW // 2) * window, axis=1).T for channel in wave]
    )


def plane(layout: Layout) -> bool:
    """Return whether a layout knows no height: its loudspeakers stand in one plane, or are ears."""
    if layout.kind == "ambisonics":
        return False
    return all(channel.lfe or channel.elevation_deg == 0 for channel in layout.channels)


def _vector(flow: Array, energy: float, level: float) -> Direction:
    size = float(np.linalg.norm(flow))
    if energy <= 0 or size <= 1e-9 * energy:
        return Direction((0.0, 0.0, 0.0), 0.0, _db(level))
    x, y, z = (float(v) for v in flow / size)
    return Direction((x, y, z), min(1.0, size / energy), _db(level))


def _db(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))


def _field(spectra: Spectra, mask: Array) -> Direction:
    """Return the intensity of W, Y, Z, X (SN3D)."""
    w, y, z, x = spectra[:4]
    flow = np.array([float(np.sum(mask * (w.conj() * v).real)) for v in (x, y, z)])
    pressure = float(np.sum(mask * np.abs(w) ** 2))
    motion = float(np.sum(mask * (np.abs(spectra[1:4]) ** 2).sum(axis=0)))
    return _vector(flow, 0.5 * (pressure + motion), pressure)


def _loudspeakers(spectra: Spectra, layout: Layout, mask: Array, method: Method) -> Direction:
    full = [i for i, channel in enumerate(layout.channels) if not channel.lfe]
    places = xyz(
        [layout.channels[i].azimuth_deg for i in full],
        [layout.channels[i].elevation_deg for i in full],
    )
    power = np.sum(mask * np.abs(spectra[full]) ** 2, axis=(1, 2))
    level = float(power.sum())
    if method == "energy":
        return _vector(power @ places, level, level)
    pressure = spectra[full].sum(axis=0)
    motion = np.einsum("cft,cx->xft", spectra[full], places)
    flow = np.sum(mask * (pressure.conj() * motion).real, axis=(1, 2))
    energy = 0.5 * float(np.sum(mask * (np.abs(pressure) ** 2 + (np.abs(motion) ** 2).sum(axis=0))))
    found = _vector(flow, energy, level)
    if plane(layout) and len(full) > 1 and not found.heard and level > 0:
        return Direction((0.0, 0.0, 0.0), 0.0, _db(level))
    return found


def lateral_deg(itd_s: float) -> float:
    """Return the angle to the left at which a spherical head has a time difference.

    Parameters
    ----------
    itd_s
        Seconds by which the left ear is first; −0.71 ms to 0.71 ms, held at ±90° beyond.

    Examples
    --------
    >>> round(lateral_deg(322e-6), 1), lateral_deg(-0.8e-3)
    (30.0, -90.0)
    """
    grid = np.linspace(-np.pi / 2, np.pi / 2, 1801)
    ray, wave = grid + np.sin(grid), 3 * np.sin(grid)
    times = HEAD_M / SPEED_OF_SOUND_M_S * 0.5 * (ray + wave)
    return float(np.degrees(np.interp(itd_s, times, grid)))


def _ears(spectra: Spectra, rate_hz: int, mask: Array) -> Direction:
    left, right = spectra
    bins = np.fft.rfftfreq(WINDOW, 1 / rate_hz)
    cross = np.sum(mask * left * right.conj(), axis=1)
    powers = [np.sum(mask * np.abs(ear) ** 2, axis=1) for ear in (left, right)]
    level = float(sum(power.sum() for power in powers))
    low = (bins > 100) & (bins <= _EAR_TOP_HZ)
    both = float(np.sqrt(powers[0][low].sum() * powers[1][low].sum()))
    if both <= 0:
        return Direction((0.0, 0.0, 0.0), 0.0, _db(level))
    # Every band counts alike as far as the ears agree in it, not by how loud it is.
    weight = np.sqrt(powers[0] * powers[1])
    whitened = np.where(low & (weight > 1e-6 * weight.max()), cross / np.maximum(weight, 1e-30), 0)
    line = np.fft.irfft(whitened, WINDOW * _FINER)
    most = int(_EAR_LATEST_S * rate_hz * _FINER)
    around = np.concatenate([line[-most:], line[: most + 1]])
    # cross = L · conj(R): where the left ear is first, the peak lies at a negative lag.
    itd_s = -(int(np.argmax(around)) - most) / (rate_hz * _FINER)
    sideways = np.radians(lateral_deg(itd_s))
    focus = float(around.max() / max(line[0], float(np.abs(whitened).sum() / WINDOW), 1e-30))
    ild = 10 * np.log10(max(float(powers[0].sum()), 1e-30) / max(float(powers[1].sum()), 1e-30))
    return Direction(
        (float(np.cos(sideways)), float(np.sin(sideways)), 0.0),
        float(np.clip(focus, 0.0, 1.0)),
        _db(level),
        1e6 * itd_s,
        float(ild),
    )


def heard_in(
    spectra: Spectra,
    layout: Layout,
    rate_hz: int,
    *,
    mask: ArrayLike = 1.0,
    method: Method = "beam",
) -> Direction:
    """Return where short-time spectra are heard from.

    Parameters
    ----------
    spectra
        As :func:`transform` gives them, shape ``(channels, bins, frames)``.
    layout
        What the channels are.
    rate_hz
        Sampling rate.
    mask
        Weights of bins and frames, broadcast to ``(bins, frames)``: which of them count.
    method
        For loudspeakers: ``beam`` or ``energy``.

    Returns
    -------
    Direction
    """
    if method not in ("beam", "energy"):
        raise OptionError(f"method {method!r}; choose beam or energy")
    weights = np.broadcast_to(np.asarray(mask, dtype=np.float64), spectra.shape[1:])
    if layout.kind == "ambisonics":
        found = _field(spectra, weights)
    elif layout.kind == "binaural":
        found = _ears(spectra, rate_hz, weights)
    else:
        found = _loudspeakers(spectra, layout, weights, method)
    return found


def heard_from(sound: Sound, *, method: Method = "beam") -> Direction:
    """Return where a sound as a whole is heard from.

    Parameters
    ----------
    sound
        In any layout; one source alone, else the directions of all mix by their energy.
    method
        For loudspeakers: ``beam`` or ``energy``.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(8000)
    >>> left = np.array([1.0, 1.0, 0.0, 0.0])[:, None] * noise  # W, Y, Z, X
    >>> heard_from(Sound(left, 16000, "foa")).towards
    (0.0, 1.0, 0.0)
    """
    spectra = transform(sound.samples)
    return heard_in(spectra, sound.channels, sound.rate_hz, method=method)

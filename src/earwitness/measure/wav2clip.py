"""Wav2CLIP: a sound as a vector of CLIP's space, from its published checkpoint.

Wu, Seetharaman, Kumar and Bello, "Wav2CLIP: learning robust audio representations from CLIP",
ICASSP 2022. A ResNet-18 over the log power spectrogram of 16 kHz mono (512 points every 353), its
mean, and two linear layers. Only the checkpoint's weights are read; the network is built here with
the same names, so that every key is accounted for.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from earwitness.errors import WeightsError
from earwitness.measure.alignment import WAV2CLIP_HZ, mono, normalised
from earwitness.models.device import choose_device
from earwitness.models.packed import check_packed
from earwitness.scene import Sound

FFT, HOP, WIDTHS = 512, 353, (64, 128, 256, 512)
_ENCODER, _TRANSFORM = "audio_encoder.", "audio_transform."
_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")
_UNUSED = ("fc.", "spectrogram.")


class Block(nn.Module):
    """Two convolutions around which the input is carried."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        kept = x if self.downsample is None else self.downsample(x)
        inner = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(inner)) + kept)


class Encoder(nn.Module):
    """The ResNet-18: waveforms ``(n, samples)`` → ``(n, 512)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTHS[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        inputs = (WIDTHS[0], *WIDTHS[:-1])
        for i, (before, width) in enumerate(zip(inputs, WIDTHS)):
            stride = 1 if i == 0 else 2
            layer = nn.Sequential(Block(before, width, stride), Block(width, width, 1))
            self.add_module(f"layer{i + 1}", layer)

    def forward(self, waves: Tensor) -> Tensor:
        """Return one vector for each waveform."""
        window = torch.hann_window(FFT, device=waves.device)
        spectrum = torch.stft(
            waves, FFT, HOP, window=window, pad_mode="reflect", return_complex=True
        )
        x = torch.log(spectrum.abs() ** 2 + 1e-7)[:, None]
        x = (x - x.mean()) / (x.std() + 1e-9)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        for i in range(len(WIDTHS)):
            x = getattr(self, f"layer{i + 1}")(x)
        return x.mean(dim=(2, 3))


class Transform(nn.Module):
    """Two linear layers into CLIP's space."""

    def __init__(self) -> None:
        super().__init__()
        self.sequential = nn.Sequential(
            nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.1), nn.Linear(512, 512)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors in CLIP's space, not normalised."""
        made: Tensor = self.sequential(x)
        return made


def _checkpoint(what: str | Path) -> Path:
    place = Path(what).expanduser()
    if place.is_dir():
        found = sorted(f for f in place.iterdir() if f.suffix in _SUFFIXES)
        if len(found) != 1:
            raise WeightsError(
                f"{place} holds {len(found)} files of weights; give the one of Wav2CLIP"
            )
        return found[0]
    if not place.is_file():
        raise WeightsError(
            f"{place} does not exist; give Wav2CLIP.pt (github.com/descriptinc/lyrebird-wav2clip, "
            f"release v0.1.0-alpha) or its folder"
        )
    return place


def read_weights(what: str | Path) -> Mapping[str, Tensor]:
    """Return the tensors of a checkpoint without running what a pickle says.

    Raises
    ------
    WeightsError
        If it is absent, broken, or holds more than tensors and plain values.
    """
    file = _checkpoint(what)
    check_packed(file)
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            table: Any = load_file(str(file))
        else:
            table = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, KeyError) as error:
        line = next((x.strip() for x in str(error).splitlines() if x.strip()), "unreadable")
        raise WeightsError(
            f"{file} cannot be read as plain weights: {line[:160]}. Nothing of it was run"
        ) from error
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{file} is broken: {error}; fetch it again") from error
    except Exception as error:  # safetensors has an error of its own
        raise WeightsError(f"{file} cannot be read: {str(error)[:160]}") from error
    table = table.get("state_dict", table) if isinstance(table, Mapping) else {}
    return {str(k): v for k, v in table.items() if isinstance(v, Tensor)}


class Wav2Clip:
    """Wav2CLIP's sound side.

    Parameters
    ----------
    encoder, transform
        As :meth:`load` makes them.
    """

    def __init__(self, encoder: Encoder, transform: Transform, device: str = "cpu") -> None:
        self._encoder, self._transform = encoder.to(device).eval(), transform.to(device).eval()
        self._device = device

    @classmethod
    def load(cls, what: str | Path, device: str = "auto") -> Wav2Clip:
        """Return Wav2CLIP with the weights of a checkpoint or of the folder that holds it.

        Raises
        ------
        WeightsError
            If a key of either part is missing, unknown or of another shape.
        """
        held = read_weights(what)
        encoder, transform = Encoder(), Transform()
        for part, prefix in ((encoder, _ENCODER), (transform, _TRANSFORM)):
            own = {
                key.removeprefix(prefix): value
                for key, value in held.items()
                if key.startswith(prefix) and not key.removeprefix(prefix).startswith(_UNUSED)
            }
            wanted = part.state_dict()
            wrong = sorted(
                {k for k in wanted.keys() & own.keys() if wanted[k].shape != own[k].shape}
                | (wanted.keys() ^ own.keys())
            )
            if wrong:
                raise WeightsError(
                    f"{what} is not Wav2CLIP, or not all of it: {len(wrong)} keys of {prefix[:-1]} "
                    f"do not fit, the first {wrong[0]!r}"
                )
            part.load_state_dict(own)
        return cls(encoder, transform, choose_device(device))

    def sounds(self, sounds: Sequence[Sound]) -> NDArray[np.float64]:
        """Return the vector of each sound, shape ``(n, 512)``, length 1."""
        rows = []
        for sound in sounds:
            wave = mono(sound, WAV2CLIP_HZ)
            wave = np.pad(wave, (0, max(0, FFT - len(wave))))
            with torch.no_grad():
                # One by one: the network scales by the mean and spread of its whole input.
                given = torch.from_numpy(wave)[None].to(self._device)
                rows.append(self._transform(self._encoder(given))[0].float().cpu().numpy())
        return normalised(rows)

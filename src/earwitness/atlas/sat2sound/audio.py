"""The audio branch: a log-mel spectrogram to 32 tokens, four chunks of eight moments.

Source: HTS-AT (Chen et al. 2022) as MGA-CLAP (Li et al. 2024) and Sat2Sound use it. Names of
parameters are those of published checkpoints, which also carry an extractor, a classifier and a
head that are never used; models of our own leave those out.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from earwitness.atlas.logmel import FFT, MELS, mel_filters
from earwitness.atlas.sat2sound.config import Sizes
from earwitness.atlas.sat2sound.swin import Stage
from earwitness.errors import OptionError

FRAMES, CHUNKS, PATCH = 1024, 4, 4
SQUARE = FRAMES // CHUNKS


def pool_frames(mel: Tensor, by: int = 4) -> Tensor:
    """Average the power of each ``by`` frames of spectrograms (B, 1, T, 64) in decibels."""
    count = mel.shape[2] // by
    cut = mel[:, :, : count * by].reshape(len(mel), 1, count, by, mel.shape[3])
    return 10.0 * torch.log10((10.0 ** (cut / 10.0)).mean(dim=3).clamp(min=1e-12))


def same_level(mel: Tensor) -> Tensor:
    """Bring the mean power of each spectrogram (B, 1, T, 64) to 0 dB; nothing is below -70 dB."""
    power = (10.0 ** (mel / 10.0)).mean(dim=(1, 2, 3), keepdim=True)
    return (mel - 10.0 * torch.log10(power.clamp(min=1e-12))).clamp(min=-70.0)


def fold(mel: Tensor, frames: int = FRAMES, chunks: int = CHUNKS) -> Tensor:
    """Stretch a spectrogram to 1024 frames and fold it into a square.

    Parameters
    ----------
    mel : tensor, shape (B, 1, T, 64)
        At most ``frames`` frames.
    frames, chunks
        Frames it is stretched to, and the pieces they are cut into.

    Returns
    -------
    tensor, shape (B, 1, 256, 256)
        Row = chunk · 64 + mel band, column = frame within the chunk.

    Raises
    ------
    OptionError
        If there are more than 1024 frames.
    """
    held = mel.shape[2]
    if held > frames:
        raise OptionError(
            f"the spectrogram has {held} frames; at most {frames} are allowed "
            f"(10 s at 32 kHz gives 1001): cut the sound into crops of 10 s"
        )
    if held < frames:
        mel = F.interpolate(mel, (frames, mel.shape[3]), mode="bicubic", align_corners=True)
    batch, square = len(mel), frames // chunks
    banded = mel.transpose(2, 3).reshape(batch, 1, MELS, chunks, square)
    return banded.transpose(2, 3).reshape(batch, 1, chunks * MELS, square)


def cut_stripes(mel: Tensor, dim: int, widest: int, count: int = 2) -> Tensor:
    """Set ``count`` random stripes of fewer than ``widest`` steps along ``dim`` to zero, per row.

    Source: Park et al., "SpecAugment" (Interspeech 2019). Uses PyTorch's global generator.
    """
    length = mel.shape[dim]
    places = torch.arange(length, device=mel.device)
    kept = torch.ones(len(mel), length, dtype=torch.bool, device=mel.device)
    for _ in range(count):
        wide = torch.randint(0, widest, (len(mel), 1), device=mel.device)
        room = (length - wide).to(torch.float32)
        start = (torch.rand(len(mel), 1, device=mel.device) * room).long()
        kept &= (places < start) | (places >= start + wide)
    shape = [len(mel)] + [1] * (mel.ndim - 1)
    shape[dim] = length
    return mel * kept.reshape(shape).to(mel.dtype)


class PatchEmbed(nn.Module):
    """4 × 4 patches of the folded spectrogram to tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, width, PATCH, PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, square: Tensor) -> Tensor:
        """Map (B, 1, 256, 256) to (B, 4096, width)."""
        return self.norm(self.proj(square).flatten(2).transpose(1, 2))


class _Kernels(nn.Module):
    """Fourier kernels that published checkpoints carry; the mel comes in ready made."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_real = nn.Conv1d(1, FFT // 2 + 1, FFT, bias=False)
        self.conv_imag = nn.Conv1d(1, FFT // 2 + 1, FFT, bias=False)
        times = torch.arange(FFT, dtype=torch.float64)
        window = 0.5 - 0.5 * torch.cos(2 * torch.pi * times / FFT)
        bins = torch.arange(FFT // 2 + 1, dtype=torch.float64)
        turns = torch.remainder(bins[:, None] * times, FFT) * (2 * torch.pi / FFT)
        with torch.no_grad():
            self.conv_real.weight.copy_((torch.cos(turns) * window)[:, None].float())
            self.conv_imag.weight.copy_((-torch.sin(turns) * window)[:, None].float())
        self.requires_grad_(False)


class _Spectrum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stft = _Kernels()


class _Filters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        held = torch.from_numpy(mel_filters().astype("float32"))
        self.melW = nn.Parameter(held, requires_grad=False)


class _Extractor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mel_trans = _Spectrum()
        self.log_trans = _Filters()


class Htsat(nn.Module):
    """The transformer over folded spectrograms.

    Parameters
    ----------
    sizes
        Widths and depths.
    drop_path
        Largest rate of left-out branches in training; grows linearly with depth.
    spec_augment
        Cut stripes out of spectrograms in training.
    published
        Carry the unused parts of published checkpoints, and let the first normalisation learn its
        statistics in training. Otherwise these stay as they are set (see :meth:`fit_bands`), so
        that a sound's embedding does not change with the batch it is in.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        drop_path: float = 0.1,
        spec_augment: bool = True,
        published: bool = False,
        level_free: bool = False,
    ) -> None:
        super().__init__()
        self.spec_augment, self.published = spec_augment, published
        self.level_free, self.frames, self.chunks = level_free, sizes.frames, sizes.chunks
        if published:
            self.audio_feats_extractor = _Extractor()
        self.bn0 = nn.BatchNorm2d(MELS)
        self.patch_embed = PatchEmbed(sizes.swin_width)
        total = sum(sizes.swin_depths)
        drops = [drop_path * index / max(total - 1, 1) for index in range(total)]
        self.layers = nn.ModuleList()
        for stage, depth in enumerate(sizes.swin_depths):
            self.layers.append(
                Stage(
                    sizes.swin_width * 2**stage,
                    sizes.frames // sizes.chunks // PATCH // 2**stage,
                    sizes.swin_heads[stage],
                    [drops.pop(0) for _ in range(depth)],
                    merge=stage < len(sizes.swin_depths) - 1,
                    window=sizes.window,
                )
            )
        self.norm = nn.LayerNorm(sizes.audio_width)
        if published:
            classes = sizes.swin_classes
            self.tscam_conv = nn.Conv2d(sizes.audio_width, classes, (2, 3), padding=(0, 1))
            self.head = nn.Linear(classes, classes)

    def train(self, mode: bool = True) -> Htsat:
        """Set training or evaluation; the band statistics only move in published models."""
        super().train(mode)
        if not self.published:
            self.bn0.eval()
        return self

    def levelled(self, mel: Tensor) -> Tensor:
        """Return spectrograms with as few frames, and at the level, that the model wants."""
        if self.frames < FRAMES and mel.shape[2] > self.frames:
            mel = pool_frames(mel)
        return same_level(mel) if self.level_free else mel

    def fit_bands(self, mel: Tensor) -> None:
        """Set mean and variance of each mel band from examples, shape (B, 1, T, 64)."""
        mel = self.levelled(mel)
        self.bn0.running_mean = mel.detach().mean(dim=(0, 1, 2))
        self.bn0.running_var = mel.detach().var(dim=(0, 1, 2)).clamp(min=1e-3)

    def _stages(self) -> list[Stage]:
        return cast(list[Stage], list(self.layers))

    def _before_last(self, mel: Tensor) -> Tensor:
        if mel.ndim != 4 or mel.shape[1] != 1 or mel.shape[3] != MELS:
            raise OptionError(
                f"spectrograms have shape {tuple(mel.shape)}; allowed is "
                f"(batch, 1, frames, {MELS}), from earwitness.atlas.logmel.log_mel"
            )
        mel = self.bn0(self.levelled(mel).transpose(1, 3)).transpose(1, 3)
        if self.training and self.spec_augment:
            mel = cut_stripes(cut_stripes(mel, 2, 64), 3, 8)
        x = self.patch_embed(fold(mel, self.frames, self.chunks))
        *before, last = self._stages()
        for stage in before:
            x = stage(x)
        for block in last.inner_blocks()[:-1]:
            x = block(x)
        return x

    def forward(self, mel: Tensor) -> Tensor:
        """Map log-mel spectrograms (B, 1, T ≤ 1024, 64) to tokens (B, 32, width)."""
        x = self.norm(self._stages()[-1].inner_blocks()[-1].value_path(self._before_last(mel)))
        batch, tokens, width = x.shape
        side = int(tokens**0.5)
        return (
            x.reshape(batch, self.chunks, side // self.chunks, side, width)
            .mean(2)
            .reshape(batch, self.chunks * side, width)
        )

    def pooled(self, mel: Tensor) -> Tensor:
        """Map spectrograms to one vector (B, width): the largest over ordinary last tokens."""
        x = self.norm(self._stages()[-1].inner_blocks()[-1](self._before_last(mel)))
        return x.amax(dim=1)


class _Model(nn.Module):
    def __init__(self, htsat: Htsat) -> None:
        super().__init__()
        self.audio_enc = htsat


class AudioBranch(nn.Module):
    """A holder that gives the transformer its name in published checkpoints.

    Examples
    --------
    >>> branch = AudioBranch(Htsat(Sizes.small())).eval()
    >>> branch(torch.full((1, 1, 1001, 64), -60.0)).shape
    torch.Size([1, 32, 192])
    """

    def __init__(self, htsat: Htsat) -> None:
        super().__init__()
        self.model = _Model(htsat)

    @property
    def htsat(self) -> Htsat:
        """The transformer."""
        held: Htsat = self.model.audio_enc
        return held

    def forward(self, mel: Tensor) -> Tensor:
        """Map log-mel spectrograms (B, 1, T, 64) to tokens (B, 32, width)."""
        return self.htsat(mel)

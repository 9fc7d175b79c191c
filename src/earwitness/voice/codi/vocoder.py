"""HiFi-GAN: mel spectrogram to waveform."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.voice.codi.config import VocoderConfig

_SLOPE = 0.1
_LAST_SLOPE = 0.01  # the last activation was left at PyTorch's default, and trained so


class _ResBlock(nn.Module):
    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Conv1d:
            padding = dilation * (kernel - 1) // 2
            return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=padding)

        self.convs1 = nn.ModuleList(conv(d) for d in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            h = first(functional.leaky_relu(x, _SLOPE))
            x = x + second(functional.leaky_relu(h, _SLOPE))
        return x


class Vocoder(nn.Module):
    """Mel spectrograms to waveforms at 16 kHz.

    Parameters
    ----------
    config
        Sizes; the default ones are those published.
    """

    def __init__(self, config: VocoderConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or VocoderConfig()
        width = c.upsample_initial_channel
        self.conv_pre = nn.Conv1d(c.num_mels, width, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(c.upsample_rates, c.upsample_kernel_sizes, strict=True):
            padding = (kernel - rate) // 2
            self.ups.append(
                nn.ConvTranspose1d(width, width // 2, kernel, stride=rate, padding=padding)
            )
            width //= 2
            for size, dilations in zip(
                c.resblock_kernel_sizes, c.resblock_dilation_sizes, strict=True
            ):
                self.resblocks.append(_ResBlock(width, size, dilations))
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel: Tensor) -> Tensor:
        """Return waveforms.

        Parameters
        ----------
        mel
            Shape ``(n, 1, frames, mels)``, as the decoder gives it.

        Returns
        -------
        Tensor, shape ``(n, 1, 160 frames + 32)``
            Within ±1.
        """
        kinds = len(self.config.resblock_kernel_sizes)
        x = self.conv_pre(mel.squeeze(1).transpose(1, 2))
        for i, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, _SLOPE))
            blocks = self.resblocks[i * kinds : (i + 1) * kinds]
            x = sum(block(x) for block in blocks) / kinds
        return torch.tanh(self.conv_post(functional.leaky_relu(x, _LAST_SLOPE)))

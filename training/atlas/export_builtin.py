"""Export a trained run as the built-in model: three ONNX files with weights of eight bits.

python training/atlas/export_builtin.py runs/builtin/averaged.pt [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from earwitness.atlas.sat2sound.model import Sat2Sound

OUT = Path(__file__).parents[2] / "src/earwitness/atlas/builtin"
if len(sys.argv) > 2:
    OUT = Path(sys.argv[2])  # to look at before it replaces the one in the package


class Image(nn.Module):
    """Pixels and metadata to an embedding."""

    def __init__(self, model: Sat2Sound) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, pixels: Tensor, place: Tensor, month: Tensor, hour: Tensor, known: Tensor
    ) -> Tensor:
        """Fuse as the model does, validity as a number."""
        model = self.model
        tokens = model.satmae_backbone(pixels, torch.ones_like(pixels[:, 0, 0, 0]))
        fuser = model.sat_encoder.meta_fuser
        embed = fuser.meta_embed
        extra = torch.stack(
            [embed.location_fc(place), embed.month_fc(month), embed.time_fc(hour)], dim=1
        )
        joined = torch.cat([tokens, extra * known[..., None]], dim=1)
        valid = torch.cat([torch.ones_like(tokens[..., 0]), known], dim=1) > 0.5
        fused = fuser.transformer_encoder(joined, ~valid)
        return model.fdt.plain(fused, "image", valid)[0]


class Audio(nn.Module):
    """A log-mel spectrogram (n, 1, 1001, 64) to an embedding."""

    def __init__(self, model: Sat2Sound) -> None:
        super().__init__()
        self.model = model

    def forward(self, mel: Tensor) -> Tensor:
        """Embed."""
        return self.model.fdt.plain(self.model.audio_encoder(mel), "audio")[0]


class Text(nn.Module):
    """Word states and mask to an embedding."""

    def __init__(self, model: Sat2Sound) -> None:
        super().__init__()
        self.model = model

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Embed."""
        return self.model.fdt.plain(states, "text", mask > 0.5)[0]


def in_eight_bits(path: Path) -> None:
    """Store each large matrix as int8 with a scale for each row; Runtime unpacks it on loading."""
    model = onnx.load(path)
    graph = model.graph
    nodes = []
    for held in list(graph.initializer):
        value = numpy_helper.to_array(held)
        if value.dtype != np.float32 or value.size < 2048 or value.ndim < 2:
            continue
        axis = int(np.argmax(value.shape[:2])) if value.ndim == 2 else 0
        others = tuple(i for i in range(value.ndim) if i != axis)
        scale = np.maximum(np.abs(value).max(axis=others), 1e-8).astype(np.float32) / 127
        shape = [1] * value.ndim
        shape[axis] = -1
        level = np.rint(value / scale.reshape(shape)).astype(np.int8)
        graph.initializer.remove(held)
        name = held.name
        graph.initializer.append(numpy_helper.from_array(level, name + "_level"))
        graph.initializer.append(numpy_helper.from_array(scale, name + "_scale"))
        nodes.append(
            onnx.helper.make_node(
                "DequantizeLinear", [name + "_level", name + "_scale"], [name], axis=axis
            )
        )
    for node in reversed(nodes):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def ran(path: Path, feed: dict[str, Tensor]) -> np.ndarray:
    """Run a network as the package does: products in floats."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {k: v.numpy() for k, v in feed.items()})[0]


def main() -> None:
    model = Sat2Sound.load(sys.argv[1])
    # Attention as plain matrix products: the exporter then writes no operator of its own.
    torch.backends.cuda.enable_flash_sdp(False)
    parts = {
        "image": (
            Image(model),
            {
                "pixels": torch.randn(2, 3, 16, 16),
                "place": torch.randn(2, 4),
                "month": torch.randn(2, 2),
                "hour": torch.randn(2, 2),
                "known": torch.tensor([[1.0, 0, 1], [0, 0, 0]]),
            },
        ),
        "sound": (Audio(model), {"mel": torch.randn(1, 1, 1001, 64) * 10 - 40}),
        "text": (
            Text(model),
            {
                "states": torch.randn(2, 5, 384),
                "mask": torch.tensor([[1.0, 1, 1, 1, 1], [1, 1, 0, 0, 0]]),
            },
        ),
    }
    for name, (part, feed) in parts.items():
        # The exporter puts a module back into the mode it found, inner modules too: without this
        # the comparison below would be with a model whose dropout is at work.
        part.eval()
        path = OUT / f"{name}.onnx"
        axes = {key: {0: "n"} for key in feed} | {"embedding": {0: "n"}}
        if name == "sound":  # a sound at a time: the windows' number is written into the graph
            axes = {}
        if name == "text":
            axes["states"][1] = axes["mask"][1] = "t"
        with torch.no_grad():
            torch.onnx.export(
                part,
                tuple(feed.values()),
                str(path),
                input_names=list(feed),
                output_names=["embedding"],
                dynamic_axes=axes,
                opset_version=17,
                dynamo=False,
            )
            wanted = part(*feed.values()).numpy()
        plain = ran(path, feed)
        in_eight_bits(path)
        small = ran(path, feed)
        cosine = (
            (small * wanted).sum(1) / np.linalg.norm(small, axis=1) / np.linalg.norm(wanted, axis=1)
        )
        print(
            f"{name}: {path.stat().st_size} bytes; ONNX differs by "
            f"{np.abs(plain - wanted).max():.2g}, in eight bits cosine {cosine.min():.4f}"
        )
        single = ran(path, {k: v[:1] for k, v in feed.items()})
        print("   batch of one differs by", np.abs(single - small[:1]).max())
        if np.abs(plain - wanted).max() > 1e-3:
            raise SystemExit(f"{name}: the exported network does not compute what the model does")


if __name__ == "__main__":
    main()

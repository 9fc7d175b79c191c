"""TensorFlow.js graph models to ONNX: the few operations the built-in detectors use.

A graph model is a ``GraphDef`` written as JSON beside one file of weights. TensorFlow keeps
pictures as (batch, height, width, channels); ONNX Runtime wants (batch, channels, height, width).
Every value here therefore carries the *pending permutation* between the tensor ONNX holds and the
tensor TensorFlow meant, so that transposes cancel at conversion and none reach the file.

The converted graph is fully convolutional: fixed output sizes of ``ResizeBilinear`` become factors,
and the graph is cut before any reshape, so the sides of the picture are free (multiples of 32).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IDENTITY = (0, 1, 2, 3)
TO_NHWC = (0, 2, 3, 1)  # an NCHW tensor seen as NHWC
_NUMPY = {"float32": np.float32, "int32": np.int32, "float16": np.float16}
_UNARY = {"Relu": "Relu", "Sigmoid": "Sigmoid", "Identity": "Identity"}
_BINARY = {"Add": "Add", "AddV2": "Add", "Mul": "Mul", "Sub": "Sub"}


@dataclass(frozen=True)
class Value:
    """A tensor of the ONNX graph and the permutation that makes it the TensorFlow tensor."""

    name: str
    perm: tuple[int, ...] = IDENTITY


def weights(model: Path) -> dict[str, np.ndarray]:
    """Read the constants of a graph model, its float16 ones widened to float32."""
    manifest = json.loads(model.read_text())["weightsManifest"]
    out: dict[str, np.ndarray] = {}
    for group in manifest:
        raw = b"".join((model.parent / path).read_bytes() for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            quant = entry.get("quantization", {})
            if quant and quant["dtype"] != "float16":
                raise ValueError(f"{entry['name']}: {quant['dtype']} weights are not handled")
            kind = np.dtype(_NUMPY[quant.get("dtype", entry["dtype"])])
            count = int(np.prod(entry["shape"], dtype=np.int64))
            value = np.frombuffer(raw, kind, count, at).reshape(entry["shape"])
            at += count * kind.itemsize
            out[entry["name"]] = value.astype(np.float32) if quant else value
    return out


class Converter:
    """Translate one graph, from its placeholder to the named tensors."""

    def __init__(self, model: Path) -> None:
        self.const = weights(model)
        graph = json.loads(model.read_text())["modelTopology"]["node"]
        self.nodes = {node["name"]: node for node in graph}
        self.made: dict[str, Value] = {}
        self.out: list[onnx.NodeProto] = []
        self.init: dict[str, np.ndarray] = {}

    def convert(self, outputs: dict[str, str], *, channels_first_input: bool) -> onnx.ModelProto:
        """Build the model; ``outputs`` maps the ONNX names to the TensorFlow tensors.

        Every output leaves as (1, channels, height, width); the input is (1, 3, height, width).
        """
        (place,) = (n["name"] for n in self.nodes.values() if n["op"] == "Placeholder")
        self.made[place] = Value("pixels", IDENTITY if channels_first_input else TO_NHWC)
        infos = []
        for name, source in outputs.items():
            value = self.value(source)
            # Whatever the pending permutation, the tensor ONNX holds is channels first.
            self.out.append(helper.make_node("Identity", [value.name], [name]))
            free = [1, None, None, None]
            infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, free))
        side = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, "height", "width"])
        graph = helper.make_graph(
            self.out,
            "detector",
            [side],
            infos,
            [numpy_helper.from_array(v, k) for k, v in self.init.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    def value(self, ref: str) -> Value:
        """Return the ONNX value of a TensorFlow tensor, translating its node at first need."""
        if ref.endswith(":0"):
            ref = ref[:-2]
        if ref not in self.made:
            name = ref.split(":")[0]
            node = self.nodes[name]
            handler = getattr(self, "_" + node["op"].strip("_").lower(), None)
            if handler is not None:
                handler(node)
            elif node["op"] in _UNARY:
                x = self.value(node["input"][0])
                self.emit(_UNARY[node["op"]], [x.name], name, x.perm)
            elif node["op"] in _BINARY:
                self._binary(node)
            else:
                raise ValueError(f"{name}: the operation {node['op']} is not handled")
        return self.made[ref]

    # -- helpers -----------------------------------------------------------------------------

    def emit(
        self, op: str, inputs: list[str], name: str, perm: tuple[int, ...], **attributes: Any
    ) -> None:
        """Add a node whose only output bears the TensorFlow name."""
        self.out.append(helper.make_node(op, inputs, [name], **attributes))
        self.made[name] = Value(name, perm)

    def constant(self, name: str, value: np.ndarray) -> str:
        """Keep a constant under a name of its own and return that name."""
        self.init[name] = np.ascontiguousarray(value)
        return name

    def channels_first(self, ref: str) -> Value:
        """Return the value of an NHWC tensor, asserting that ONNX holds it channels first."""
        x = self.value(ref)
        if x.perm != TO_NHWC:
            raise ValueError(f"{ref}: expected a channels-first tensor, permutation {x.perm}")
        return x

    def _attr(self, node: dict[str, Any], key: str) -> Any:
        attr = node["attr"][key]
        (kind, value), *_ = attr.items()
        if kind == "s":
            return base64.b64decode(value).decode()
        if kind == "list":
            (inner, items), *_ = value.items()
            return [base64.b64decode(i).decode() if inner == "s" else int(i) for i in items]
        return value

    # -- operations --------------------------------------------------------------------------

    def _binary(self, node: dict[str, Any]) -> None:
        consts = [self.const.get(ref) for ref in node["input"]]
        values = [None if c is not None else self.value(r) for r, c in zip(node["input"], consts)]
        perm = next(v.perm for v in values if v is not None)
        names = []
        for i, (value, const) in enumerate(zip(values, consts)):
            if const is not None:
                # A constant follows the other operand into its stored order of axes.
                wide = const.reshape((1,) * (4 - const.ndim) + const.shape)
                stored = wide.transpose(np.argsort(perm))
                names.append(self.constant(f"{node['name']}/const{i}", stored))
            else:
                assert value is not None
                if value.perm != perm:
                    raise ValueError(f"{node['name']}: operands are permuted differently")
                names.append(value.name)
        self.emit(_BINARY[node["op"]], names, node["name"], perm)

    def _relu6(self, node: dict[str, Any]) -> None:
        x = self.value(node["input"][0])
        low = self.constant("relu6/low", np.float32(0))
        high = self.constant("relu6/high", np.float32(6))
        self.emit("Clip", [x.name, low, high], node["name"], x.perm)

    def _leakyrelu(self, node: dict[str, Any]) -> None:
        x = self.value(node["input"][0])
        alpha = float(self._attr(node, "alpha"))
        self.emit("LeakyRelu", [x.name], node["name"], x.perm, alpha=alpha)

    def _transpose(self, node: dict[str, Any]) -> None:
        x = self.value(node["input"][0])
        perm = self.const[node["input"][1]]
        # No node: only the pending permutation changes.
        self.made[node["name"]] = Value(x.name, tuple(x.perm[int(i)] for i in perm))

    def _concatv2(self, node: dict[str, Any]) -> None:
        *refs, axis = node["input"]
        values = [self.value(r) for r in refs]
        perm = values[0].perm
        if any(v.perm != perm for v in values):
            raise ValueError(f"{node['name']}: operands are permuted differently")
        at = perm[int(self.const[axis]) % 4]
        self.emit("Concat", [v.name for v in values], node["name"], perm, axis=at)

    def _splitv(self, node: dict[str, Any]) -> None:
        x = self.value(node["input"][0])
        sizes = self.const[node["input"][1]].astype(np.int64)
        at = x.perm[int(self.const[node["input"][2]]) % 4]
        names = [f"{node['name']}:{i}" if i else node["name"] for i in range(len(sizes))]
        split = self.constant(f"{node['name']}/sizes", sizes)
        self.out.append(helper.make_node("Split", [x.name, split], names, axis=at))
        self.made.update({n: Value(n, x.perm) for n in names})

    def _mean(self, node: dict[str, Any]) -> None:
        x = self.value(node["input"][0])
        axes = [x.perm[int(i) % 4] for i in np.atleast_1d(self.const[node["input"][1]])]
        if not self._attr(node, "keep_dims"):
            raise ValueError(f"{node['name']}: Mean without keep_dims is not handled")
        self.emit("ReduceMean", [x.name], node["name"], x.perm, axes=axes, keepdims=1)

    def _pad(self, node: dict[str, Any]) -> None:
        x = self.value(node["input"][0])
        inverse = np.argsort(x.perm)
        pads = self.const[node["input"][1]][inverse].T.ravel().astype(np.int64)
        inputs = [x.name, self.constant(f"{node['name']}/pads", pads)]
        if len(node["input"]) > 2:
            fill = self.const[node["input"][2]].astype(np.float32).reshape(())
            inputs.append(self.constant(f"{node['name']}/fill", fill))
        self.emit("Pad", inputs, node["name"], x.perm)

    _padv2 = _pad

    def _pads(self, node: dict[str, Any], kernel: tuple[int, int], stride: int) -> list[int]:
        if self._attr(node, "padding") == "VALID":
            return [0, 0, 0, 0]
        # TensorFlow's SAME on sides that the stride divides: the odd pixel goes to the end.
        total = [max(k - stride, 0) for k in kernel]
        begin = [t // 2 for t in total]
        return begin + [t - b for t, b in zip(total, begin)]

    def _maxpool(self, node: dict[str, Any]) -> None:
        x = self.channels_first(node["input"][0])
        kernel, strides = self._attr(node, "ksize")[1:3], self._attr(node, "strides")[1:3]
        pads = self._pads(node, (kernel[0], kernel[1]), strides[0])
        self.emit(
            "MaxPool", [x.name], node["name"], TO_NHWC,
            kernel_shape=kernel, strides=strides, pads=pads,
        )  # fmt: skip

    def _resizebilinear(self, node: dict[str, Any]) -> None:
        x = self.channels_first(node["input"][0])
        half = self._attr(node, "half_pixel_centers")
        # The fixed sizes belong to the picture side the model was saved for; as every such node of
        # these graphs doubles or halves, the factor is found from the order of sizes met so far.
        factor = self.factors[node["name"]]
        scales = np.array([1, 1, factor, factor], np.float32)
        self.emit(
            "Resize",
            [x.name, "", self.constant(f"{node['name']}/scales", scales)],
            node["name"], TO_NHWC, mode="linear",
            coordinate_transformation_mode="half_pixel" if half else "asymmetric",
        )  # fmt: skip

    factors: dict[str, float] = {}  # noqa: RUF012 (set by the caller, node name -> factor)

    def _conv2d(self, node: dict[str, Any], *, depthwise: bool = False) -> None:
        x = self.channels_first(node["input"][0])
        kernel = self.const[node["input"][1]]
        strides = self._attr(node, "strides")[1:3]
        if self._attr(node, "dilations") != [1, 1, 1, 1]:
            raise ValueError(f"{node['name']}: dilated convolutions are not handled")
        if depthwise:  # (h, w, channels, multiplier) -> (channels * multiplier, 1, h, w)
            h, w, c, m = kernel.shape
            stored, group = kernel.transpose(2, 3, 0, 1).reshape(c * m, 1, h, w), c
        else:  # (h, w, in, out) -> (out, in, h, w)
            stored, group = kernel.transpose(3, 2, 0, 1), 1
        name = node["name"]
        inputs = [x.name, self.constant(f"{name}/kernel", stored)]
        if len(node["input"]) > 2:
            inputs.append(self.constant(f"{name}/bias", self.const[node["input"][2]]))
        fused = self._attr(node, "fused_ops") if "fused_ops" in node["attr"] else []
        if not set(fused) <= {"BiasAdd", "Relu", "Relu6"}:
            raise ValueError(f"{name}: fused {fused} is not handled")
        raw = name if not set(fused) - {"BiasAdd"} else f"{name}/linear"
        size = (int(stored.shape[2]), int(stored.shape[3]))
        self.emit(
            "Conv", inputs, raw, TO_NHWC, group=group, kernel_shape=list(size),
            strides=strides, pads=self._pads(node, size, strides[0]),
        )  # fmt: skip
        if "Relu" in fused:
            self.emit("Relu", [raw], name, TO_NHWC)
        elif "Relu6" in fused:
            low = self.constant("relu6/low", np.float32(0))
            high = self.constant("relu6/high", np.float32(6))
            self.emit("Clip", [raw, low, high], name, TO_NHWC)

    _fusedconv2d = _conv2d

    def _depthwiseconv2dnative(self, node: dict[str, Any]) -> None:
        self._conv2d(node, depthwise=True)

    _fuseddepthwiseconv2dnative = _depthwiseconv2dnative


def nanodet(model: Path) -> onnx.ModelProto:
    """Convert NanoDet: ``score8`` (1, 80, h/8, w/8), ``bins8`` (1, 44, h/8, w/8), … 16, … 32."""
    made = Converter(model)
    resize = [n for n, node in made.nodes.items() if node["op"] == "ResizeBilinear"]
    # The path aggregation network goes up twice, then down twice.
    made.factors = dict(zip(resize, (2.0, 2.0, 0.5, 0.5), strict=True))
    prefix = "PartitionedCall/onnx_tf_prefix_"
    names = {}
    for stride, sigmoid, split in ((8, 154, 153), (16, 165, 164), (32, 176, 175)):
        names[f"score{stride}"] = f"{prefix}Sigmoid_{sigmoid}"
        names[f"bins{stride}"] = f"{prefix}Split_{split}:1"
    return made.convert(names, channels_first_input=True)

"""Make an ONNX file small: half-precision or 8-bit weights that widen again when loaded.

Only how the weights are *stored* changes. ONNX Runtime folds the ``Cast`` (and ``Mul``) away when
a session is made, so the arithmetic stays single precision and so does the speed.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALL = 256  # values; below this a weight is left alone, as there is nothing to gain


def pack(model: onnx.ModelProto, *, eight_bit: bool = False) -> onnx.ModelProto:
    """Return the model with its float32 weights stored as float16 or, where safe, as int8.

    With ``eight_bit`` the dense kernels are rounded to 8 bits with one scale per output channel;
    depthwise kernels and biases stay half precision (nine values a channel leave no slack).
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    kept, nodes = [], []
    for tensor in out.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype != np.float32 or value.size < SMALL:
            kept.append(tensor)
        elif eight_bit and value.ndim >= 2 and value[0].size >= 16:
            axes = tuple(range(1, value.ndim))
            scale = np.abs(value).max(axis=axes, keepdims=True).astype(np.float32) / 127
            scale = np.maximum(scale, np.float32(1e-12))
            codes = np.clip(np.rint(value / scale), -127, 127).astype(np.int8)
            # The rounded codes are given the scale that fits them best, not merely the largest.
            wide = codes.astype(np.float32)
            energy = np.maximum((wide * wide).sum(axis=axes, keepdims=True), 1)
            scale = ((wide * value).sum(axis=axes, keepdims=True) / energy).astype(np.float32)
            kept.append(numpy_helper.from_array(codes, tensor.name + "/codes"))
            kept.append(numpy_helper.from_array(scale, tensor.name + "/scale"))
            nodes.append(_cast(tensor.name + "/codes", tensor.name + "/wide"))
            pair = [tensor.name + "/wide", tensor.name + "/scale"]
            nodes.append(helper.make_node("Mul", pair, [tensor.name]))
        else:
            half = np.clip(value, -65504, 65504).astype(np.float16)
            kept.append(numpy_helper.from_array(half, tensor.name + "/half"))
            nodes.append(_cast(tensor.name + "/half", tensor.name))
    nodes.extend(out.graph.node)
    del out.graph.initializer[:]
    del out.graph.node[:]
    out.graph.initializer.extend(kept)
    out.graph.node.extend(nodes)
    del out.graph.value_info[:]
    onnx.checker.check_model(out)
    return out


def _cast(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=TensorProto.FLOAT)

"""The built-in networks, read at first use, on the CPU and at most two threads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import WeightsError

THREADS = 2
_lock = Lock()


@lru_cache(maxsize=8)
def _session(name: str) -> Any:
    import onnxruntime  # here, so that importing the atlas stays quick

    packed = files(__package__).joinpath(f"{name}.onnx")
    if not packed.is_file():
        raise WeightsError(f"{name}.onnx is missing from the package; install earwitness again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The weights are kept in eight bits to be small. Products in floats are quicker here than
    # Runtime's own with eight-bit activations, and do not depend on what the processor knows.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(
        packed.read_bytes(), options, providers=["CPUExecutionProvider"]
    )


def run(name: str, feed: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Run a network.

    Parameters
    ----------
    name
        ``words``, ``text``, ``sound`` or ``image``.
    feed
        Its inputs.

    Returns
    -------
    array, float32
        Its first output.
    """
    with _lock:  # two threads asking at once would otherwise read the weights twice
        session = _session(name)
    made: NDArray[np.float32] = session.run(None, dict(feed))[0]
    return made

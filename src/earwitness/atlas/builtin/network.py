"""The built-in networks, read at first use, on the CPU and at most two threads.

``OMP_NUM_THREADS`` lowers the number, as it does that of other libraries: where each core has a
worker of its own, threads that wait for one another would only take turns.
"""

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
from earwitness.runtime import onnxruntime

THREADS = 2
_lock = Lock()


def threads() -> int:
    """Return how many threads a network runs on."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    most = int(told) if told.isdigit() and int(told) > 0 else THREADS
    return min(THREADS, most, os.cpu_count() or 1)


@lru_cache(maxsize=8)
def _session(name: str) -> Any:
    packed = files(__package__).joinpath(f"{name}.onnx")
    if not packed.is_file():
        raise WeightsError(f"{name}.onnx is missing from the package; install earwitness again")
    runtime = onnxruntime()  # here, so that importing the atlas stays quick
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The weights are kept in eight bits to be small. Products in floats are quicker here than
    # Runtime's own with eight-bit activations, and do not depend on what the processor knows.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return runtime.InferenceSession(
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

"""The networks, read at first use, on the CPU and at most two threads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.runtime import onnxruntime

THREADS = 2
_lock = Lock()


@lru_cache(maxsize=8)
def _session(name: str) -> tuple[Any, Any]:
    """Return the session of ``<name>.onnx`` and the options of a run."""
    runtime = onnxruntime()  # here, so that importing the eyes stays quick
    options = runtime.SessionOptions()
    options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that wait by turning round and round take a core from those who work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    weights = files(__package__).joinpath(f"{name}.onnx").read_bytes()
    session = runtime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    run = runtime.RunOptions()
    # Asked for features alone, the classifier is not computed.
    run.only_execute_path_to_fetches = True
    return session, run


def run(
    name: str, pixels: NDArray[np.float32], outputs: tuple[str, ...]
) -> Mapping[str, NDArray[np.float32]]:
    """Run a network on one picture.

    Parameters
    ----------
    name
        ``backbone`` or ``nanodet``.
    pixels
        float32 (3, height, width), both sides multiples of 32, scaled as the network expects.
    outputs
        The outputs wanted.

    Returns
    -------
    Mapping
        Each output without its batch axis: float32 (channels, rows, columns).
    """
    with _lock:  # two threads asking at once would otherwise read the weights twice
        session, options = _session(name)
    feed = {"pixels": np.ascontiguousarray(pixels[None], np.float32)}
    values = session.run(list(outputs), feed, options)
    return {key: value[0] for key, value in zip(outputs, values)}

"""ONNX Runtime, imported at use, without its reports."""

from __future__ import annotations

import os
from typing import Any


def onnxruntime() -> Any:
    """Return the module ``onnxruntime``, told before its first import to report nothing.

    Its builds of 2026 keep a device's number in the user's cache and send usage to their makers.
    Who wants that sets ``ORT_DISABLE_TELEMETRY=0``.

    Examples
    --------
    >>> onnxruntime().__name__
    'onnxruntime'
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as module

    return module

"""What the program does unasked: nothing in the user's cache, no reports."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
from earwitness.look.eyes.recognition import features
features(np.zeros((64, 64, 3), np.uint8), side=64)
"""


def test_the_built_in_networks_leave_nothing_in_the_cache(tmp_path) -> None:
    """ONNX Runtime keeps a device's number there, unless it is told before its import not to."""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(tmp_path))
    subprocess.run([sys.executable, "-c", PROGRAM], env={**environment, **homes}, check=True)
    assert not list(tmp_path.rglob("*"))

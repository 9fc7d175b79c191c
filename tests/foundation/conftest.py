"""Lets these tests import the module of scenes that lies beside them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# Makers of small models, not tests; they need the extra [hub].
collect_ignore = ["tiny.py", "tiny_voices.py"]

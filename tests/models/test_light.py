"""What must not be imported until it is used."""

from __future__ import annotations

import subprocess
import sys


def test_importing_rooms_imports_no_framework():
    code = (
        "import sys, earwitness, earwitness.voice, earwitness.models, earwitness.models.store,"
        "earwitness.models.resolve, earwitness.voice.codi, earwitness.voice.codi.voice;"
        "sys.exit(bool({'torch', 'transformers', 'huggingface_hub', 'safetensors'}"
        " & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

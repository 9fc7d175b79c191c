"""Every concept at 10 s and 120 s: loudness, crest, DC, and whether it comes back.

Run ``python -m benchmarks.check_voices [concept …]``. The limits are those of the tests, which at
120 s try some concepts only.
"""

from __future__ import annotations

import sys

import numpy as np

from earwitness.scene import concepts
from earwitness.voice.contract import STEM_LUFS, Request
from earwitness.voice.level import loudness
from earwitness.voice.registry import models
from earwitness.voice.repetition import envelope_return, loop
from earwitness.voice.synthesiser import Synthesiser


def main() -> int:
    keys = sys.argv[1:] or list(models())
    print("| concept | LUFS 10 s | LUFS 120 s | crest dB | DC dB | loop | envelope again |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    faults = []
    for key in keys:
        row: list[str] = []
        for seconds in (10.0, 120.0):
            request = Request(concepts()[key].label, key, seconds)
            x = np.concatenate(list(Synthesiser().voice(request).blocks)).astype(float)
            lufs = loudness(x, request.rate_hz)
            dc = 20 * np.log10(max(abs(x.mean()), 1e-12) / x.std())
            row.append(f"{lufs:.2f}")
            if abs(lufs - STEM_LUFS) > 1.0 or dc > -60 or not np.isfinite(x).all():
                faults.append(f"{key} at {seconds:g} s")
        again, envelope = loop(x, 48000), envelope_return(x, 48000)
        crest = 20 * np.log10(np.abs(x).max() / x.std())
        if again > 0.5:
            faults.append(f"{key} comes back")
        print(
            f"| {key} | {row[0]} | {row[1]} | {crest:.1f} | {dc:.0f} | {again:.2f} "
            f"| {envelope:.2f} |",
            flush=True,
        )
    print(f"\n{len(keys)} concepts; faults: {', '.join(faults) or 'none'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

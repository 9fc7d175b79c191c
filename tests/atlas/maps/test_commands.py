"""The commands map, find and gallery: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from colours import Colours

from earwitness.cli.main import main

for _name in ("lancedb", "pyarrow", "rasterio", "h3", "mpl_toolkits.basemap_data"):
    pytest.importorskip(_name, reason=f"{_name} comes with the extra [atlas]")


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the built-in embedder be one without weights: the commands are tested, not the model."""
    monkeypatch.setattr("earwitness.atlas.maps.work._embedder", lambda name: Colours())
    monkeypatch.setattr("earwitness.verbs.keeping._model", lambda name: Colours())
    monkeypatch.chdir(Path(__file__).parent)


def test_map_writes_its_files_and_says_which(tmp_path, capsys) -> None:
    out = tmp_path / "a.tif"
    words = ["map", "--region", "-10,35,0,45", "--step", "1", "--workers", "1", "-o", str(out)]
    assert main([*words, "--query", "the sea", "--query", "a desert", "--date", "July"]) == 0
    said = capsys.readouterr().out
    assert "10 × 10 cells of 1°, 2 queries" in said and "NASA" in said and "July" in said
    for ending in (".tif", ".png", ".parquet", ".html"):
        assert out.with_suffix(ending).is_file() and out.with_suffix(ending).name in said


def test_map_alone_shows_which_of_ten_leads(tmp_path, capsys) -> None:
    out = tmp_path / "a.tif"
    words = ["map", "--step", "15", "--dominant", "--workers", "1", "--write", "tif", "-q"]
    assert main([*words, "-o", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["a.leading.tif", "a.tif"]


def test_map_takes_a_sound_as_query(tmp_path, capsys) -> None:
    t = np.arange(32_000) / 32_000
    soundfile.write(tmp_path / "low.wav", 0.1 * np.sin(2 * np.pi * 80 * t), 32_000)
    words = ["map", "--step", "15", "--workers", "1", "--write", "tif"]
    words += ["--query-audio", str(tmp_path / "low.wav"), "-o", str(tmp_path / "a.tif")]
    assert main(words) == 0
    import rasterio

    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.descriptions == ("low.wav",)


def test_find_gives_places_and_the_sounds_of_a_place(tmp_path, capsys) -> None:
    assert main(["find", "a desert", "--step", "10", "-n", "3", "--workers", "1", "--json"]) == 0
    places = json.loads(capsys.readouterr().out)
    assert len(places) == 3 and all(
        set(p) == {"score", "lat_deg", "lon_deg", "name"} for p in places
    )
    assert main(["find", "a desert", "--step", "10", "-n", "3"]) == 0
    assert places[0]["name"] in capsys.readouterr().out
    folder = str(tmp_path / "a.gallery")
    assert main(["gallery", "add", folder, "--caption", "the sea", "--caption", "a desert"]) == 0
    assert "added: 2 captions" in capsys.readouterr().out
    assert main(["find", "--at", "23,10", "--gallery", folder]) == 0
    said = capsys.readouterr().out
    assert said.index("a desert") < said.index("the sea")
    out = tmp_path / "a.wav"
    words = ["find", "--at", "-30,-120", "--gallery", folder, "-o", str(out), "-d", "1", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["captions"][0]["text"] == "the sea"
    assert soundfile.info(str(out)).duration == pytest.approx(1.0)
    assert main(["gallery", "info", folder]) == 0
    assert "captions" in capsys.readouterr().out


def test_a_place_needs_no_gallery_of_ones_own(capsys) -> None:
    assert main(["find", "--at", "-80,90", "-n", "5"]) == 0
    assert "earwitness, Apache-2.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["map", "--query", "a"], "no file to write"),
        (["map", "-o", "a.tif"], "nothing to ask"),
        (["map", "-o", "a.tif", "--query", "a", "--region", "0,0,1"], "no region"),
        (["map", "-o", "a.tif", "--query", "a", "--region", "0,0,10,91"], "latitude 91"),
        (["map", "-o", "a.tif", "--query", "a", "--region", "5,5,5,9"], "no area"),
        (["map", "-o", "a.tif", "--query", "a", "--hours", "25-30"], "no hours"),
        (["map", "-o", "a.tif", "--query-audio", "absent.wav"], "no sound absent.wav"),
        (["find"], "either words or a sound"),
        (["find", "a", "--at", "1,2"], "either words or a sound"),
        (["find", "absent.wav"], "no sound absent.wav"),
        (["find", "--at", "north"], "no place"),
        (["find", "--at", "91,0"], "latitude 91"),
        (["find", "a", "-o", "a.wav"], "--at"),
        (["find", "a", "-n", "0"], "limit is 0"),
        (["gallery", "info", "absent.gallery"], "no gallery absent.gallery"),
        (["gallery", "add", "absent.gallery"], "nothing to add"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    words, said, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and said in error
    assert not [p for p in tmp_path.iterdir() if p.name != "cache"]

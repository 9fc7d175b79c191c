"""Galleries: captions, recordings and places kept in a folder, and what is found in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from colours import Colours

from earwitness.atlas.gallery import Caption, Gallery, Layer, LayerTable, Recording
from earwitness.atlas.gallery.layers import layers
from earwitness.atlas.gallery.reading import gather
from earwitness.atlas.gallery.search import build_index, indexed, nearest
from earwitness.atlas.gallery.shelves import Shelf
from earwitness.errors import EarwitnessError, GalleryError, MediaError, OptionError
from earwitness.verbs.finding import find_places, hear_at, sound_at
from earwitness.verbs.keeping import add_to_gallery, build_gallery, gallery_info

for _name in ("lancedb", "pyarrow", "rasterio", "h3", "mpl_toolkits.basemap_data"):
    pytest.importorskip(_name, reason=f"{_name} comes with the extra [atlas]")


def tone(file: Path, hz: float, seconds: float = 0.5) -> Path:
    t = np.arange(int(seconds * 32_000)) / 32_000
    soundfile.write(file, 0.1 * np.sin(2 * np.pi * hz * t), 32_000)
    return file


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A gallery of four captions and two recordings."""
    (tmp_path / "words.txt").write_text("the sea\na desert\n\na dense forest\nice and snow\n")
    (tmp_path / "rec").mkdir()
    tone(tmp_path / "rec" / "low.wav", 100)
    tone(tmp_path / "rec" / "high.flac", 7500)
    (tmp_path / "rec" / "table.csv").write_text(
        "file,title,lat,lon,author,licence\nlow.wav,waves,1.5,2.5,A. Nother,CC0\n"
    )
    folder = tmp_path / "a.gallery"
    added = add_to_gallery(
        folder,
        [tmp_path / "words.txt", tmp_path / "rec" / "table.csv", tmp_path / "rec" / "high.flac"],
        embedder=Colours(),
    )
    assert (added.captions, added.recordings, added.known) == (4, 2, 0)
    return folder


def test_what_is_there_is_not_added_twice(filled, tmp_path) -> None:
    again = add_to_gallery(
        filled, [tmp_path / "words.txt", tmp_path / "rec"], captions=["rain"], embedder=Colours()
    )
    assert (again.captions, again.recordings, again.known) == (1, 0, 6)


def test_the_table_of_a_data_set_is_understood(tmp_path) -> None:
    tone(tmp_path / "low.wav", 100)
    (tmp_path / "pairs.csv").write_text(
        "image,text,audio,audio_caption,latitude,longitude,time\n"
        "a.png,,low.wav,a desert,1.5,2.5,2026-05-14\n"
    )
    gathered = gather([tmp_path / "pairs.csv"])
    assert [(c.text, c.lat_deg, c.lon_deg) for c in gathered.captions] == [("a desert", 1.5, 2.5)]
    (recording,) = (read() for read in gathered.recordings)
    assert (recording.title, recording.date) == ("a desert", "2026-05-14")


def test_a_place_gives_the_captions_and_the_sounds_that_fit(filled) -> None:
    sahara = hear_at(23.0, 10.0, embedder=Colours(), gallery=filled)
    assert sahara.captions[0][1].text == "a desert"
    ocean = hear_at(-30.0, -120.0, embedder=Colours(), gallery=filled)
    assert ocean.captions[0][1].text == "the sea"
    assert ocean.recordings[0][1].title == "waves"
    ice = hear_at(-80.0, 90.0, embedder=Colours(), gallery=filled)
    assert ice.captions[0][1].text == "ice and snow"
    assert ice.recordings[0][1].title == "high"
    for heard in (sahara, ocean, ice):
        scores = [score for score, _ in heard.captions]
        assert scores == sorted(scores, reverse=True) and len(scores) == 4


def test_the_caches_own_captions_follow_the_embedder() -> None:
    first = hear_at(-80, 90, embedder=Colours())
    other = hear_at(-80, 90, embedder=Colours(gain=0.5))
    again = hear_at(-80, 90, embedder=Colours())
    assert first.captions == again.captions and len(other.captions) == 10


def test_a_recording_keeps_its_bytes_and_what_is_known_of_it(filled, tmp_path) -> None:
    (_, held), *_ = hear_at(-30, -120, embedder=Colours(), gallery=filled).recordings
    assert held.sound == (tmp_path / "rec" / "low.wav").read_bytes()
    assert (held.lat_deg, held.lon_deg, held.author, held.licence) == (1.5, 2.5, "A. Nother", "CC0")
    assert held.duration_s == pytest.approx(0.5)


def test_a_shard_of_a_data_set_gives_captions_and_sounds(tmp_path) -> None:
    import pyarrow
    import pyarrow.parquet

    low = tone(tmp_path / "low.flac", 100).read_bytes()
    table = pyarrow.table(
        {
            "key": ["a", "b", "c"],
            "audio": pyarrow.array([low, None, b"broken"], pyarrow.binary()),
            "audio_caption": ["the sea", "a desert", None],
            "lat": [1.0, 2.0, 3.0],
            "lon": [4.0, 5.0, 6.0],
        }
    )
    pyarrow.parquet.write_table(table.slice(0, 2), tmp_path / "good.parquet", row_group_size=1)
    added = add_to_gallery(tmp_path / "g", [tmp_path / "good.parquet"], embedder=Colours())
    assert (added.captions, added.recordings) == (2, 1)
    (_, held), *_ = hear_at(-30, -120, embedder=Colours(), gallery=tmp_path / "g").recordings
    assert (held.title, held.sound, held.suffix) == ("the sea", low, ".flac")
    assert (held.lat_deg, held.duration_s) == (1.0, pytest.approx(0.5))
    pyarrow.parquet.write_table(table, tmp_path / "bad.parquet")
    with pytest.raises(MediaError, match="cannot be read"):
        add_to_gallery(tmp_path / "h", [tmp_path / "bad.parquet"], embedder=Colours())
    some = add_to_gallery(
        tmp_path / "h", [tmp_path / "bad.parquet"], embedder=Colours(), skip_bad=True
    )
    assert (some.captions + some.recordings + some.known, len(some.bad)) == (3, 1)
    assert "cannot be read" in some.bad[0]
    (tmp_path / "none.parquet").write_bytes(b"PAR1nothing")
    with pytest.raises(MediaError, match="Parquet"):
        add_to_gallery(tmp_path / "h", [tmp_path / "none.parquet"], embedder=Colours())


def test_another_embedder_or_another_version_is_refused(filled) -> None:
    with pytest.raises(GalleryError, match="embedded by 'colours-1', not by 'other'"):
        hear_at(0, 0, embedder=Colours(name="other"), gallery=filled)
    with pytest.raises(GalleryError, match="another version"):
        add_to_gallery(filled, captions=["new"], embedder=Colours(gain=0.4))


def test_the_sound_of_a_place_is_made_of_what_was_found(filled, tmp_path) -> None:
    heard = hear_at(-30, -120, embedder=Colours(), gallery=filled)
    said = sound_at(heard, tmp_path / "mixed.wav", how="recordings", count=1, duration_s=2)
    assert "A. Nother" in said and "CC0" in said
    samples, rate = soundfile.read(tmp_path / "mixed.wav")
    assert len(samples) == 2 * rate
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * rate / len(samples) == pytest.approx(100, abs=2)
    sound_at(heard, tmp_path / "voiced.flac", how="captions", count=1, duration_s=1)
    samples, rate = soundfile.read(tmp_path / "voiced.flac")
    assert len(samples) == rate and np.abs(samples).max() > 0.001
    with pytest.raises(OptionError, match="no way"):
        sound_at(heard, tmp_path / "a.wav", how="magic")


def test_words_and_sounds_find_places_that_lie_apart(tmp_path) -> None:
    options = {"step_deg": 5.0, "embedder": Colours(), "workers": 1, "limit": 6}
    found = find_places("a desert", **options)
    assert len(found) == 6
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    # The Sahara or Arabia is the best; all are warm and dry, or at least land.
    assert 10 < found[0].lat_deg < 35 and -15 < found[0].lon_deg < 60
    for one in found:
        for other in found:
            if one is not other:
                assert abs(one.lat_deg - other.lat_deg) + abs(one.lon_deg - other.lon_deg) > 3
    heard = find_places(tone(tmp_path / "low.wav", 60), **options)
    deep = find_places("the sea", **options)
    shared = {(p.lat_deg, p.lon_deg) for p in heard} & {(p.lat_deg, p.lon_deg) for p in deep}
    assert len(shared) >= 4  # a low tone is the sea to this embedder, or nearly
    part = find_places("a desert", region=(110, -45, 160, -10), **options)
    assert all(110 < p.lon_deg < 160 and -45 < p.lat_deg < -10 for p in part)


def test_an_index_finds_what_looking_at_every_row_finds(tmp_path) -> None:
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(40, 32))
    vectors = centres[rng.integers(40, size=6000)] + 0.6 * rng.normal(size=(6000, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = LayerTable(Gallery(tmp_path / "g", create=True), Layer("none", "none", 32, 1, 1.0, 180))
    kept.add(np.arange(6000), vectors.astype(np.float16))
    assert not indexed(kept.rows)
    assert build_index(kept.rows, "here", least=1000) and indexed(kept.rows)
    hits = 0
    for query in vectors[:40].astype(np.float32):
        true = set(np.argsort(-(vectors @ query))[:10].tolist())
        found = nearest(kept.rows, query, where="here", columns=("cell",))
        hits += len(true & {one.row["cell"] for one in found})
        assert found[0].score == pytest.approx(1.0, abs=2e-3)
    assert hits >= 380
    # Rows that came after the index are found too, and the index takes them in.
    late = np.zeros((1, 32), np.float16)
    late[0, 3] = 1
    kept.add(np.array([9999]), late)
    found = nearest(kept.rows, late[0].astype(np.float32), where="here", columns=("cell",))
    assert found[0].row["cell"] == 9999
    build_index(kept.rows, "here", least=1000)
    found = nearest(kept.rows, late[0].astype(np.float32), where="here", columns=("cell",))
    assert found[0].row["cell"] == 9999


def test_build_embeds_a_region_and_info_says_what_is_there(filled) -> None:
    held = build_gallery(
        filled, region="0,0,20,20", step_deg=2.0, hour=6, embedder=Colours(), workers=1
    )
    assert held == gallery_info(filled)
    assert [(line.what.split(":")[0], line.rows) for line in held] == [
        ("captions", 4),
        ("recordings", 2),
        ("places", 100),
    ]
    assert "06:00" in held[2].what
    assert len(layers(Gallery(filled))) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file\n../secret.wav\n", "not beside"),
        ("file\n/etc/passwd\n", "not beside"),
        ("file\nabsent.wav\n", "no sound"),
        ("text,lat\nrain,91\n", "lat is '91'"),
        ("text,lat\nrain,north\n", "lat is 'north'"),
        ("words\nrain\n", "neither"),
    ],
)
def test_a_table_that_is_wrong_is_one_clear_error(tmp_path, text, said) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(MediaError, match=said):
        add_to_gallery(tmp_path / "g", [tmp_path / "a.csv"], embedder=Colours())
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("name", ["absent.wav", "a.xyz", "broken.wav"])
def test_a_file_that_cannot_be_taken_is_one_clear_error(tmp_path, name) -> None:
    (tmp_path / "a.xyz").write_text("?")
    (tmp_path / "broken.wav").write_bytes(b"RIFF....WAVE")
    with pytest.raises(MediaError, match=name):
        add_to_gallery(tmp_path / "g", [tmp_path / name], embedder=Colours())


def test_a_gallery_that_is_not_there_is_one_clear_error(tmp_path) -> None:
    with pytest.raises(GalleryError, match="no gallery"):
        gallery_info(tmp_path / "absent")
    Gallery(tmp_path / "empty", create=True)
    with pytest.raises(EarwitnessError, match=r"no gallery|no captions"):
        hear_at(0, 0, embedder=Colours(), gallery=tmp_path / "empty")


@pytest.mark.parametrize("place", [(91, 0), (0, 400), (float("nan"), 0)])
def test_a_place_off_the_earth_is_refused(filled, place) -> None:
    with pytest.raises(OptionError, match="itude"):
        hear_at(*place, embedder=Colours(), gallery=filled)


@pytest.mark.parametrize("place", [(90, 0), (-90, 180), (0, 180), (0, -180), (10, 190)])
def test_poles_and_the_180th_meridian_are_places(filled, place) -> None:
    assert hear_at(*place, embedder=Colours(), gallery=filled).captions


def test_a_damaged_gallery_is_one_clear_error(filled) -> None:
    for file in (filled / "captions.lance").rglob("*.lance"):
        file.write_bytes(b"nonsense")
    with pytest.raises(GalleryError, match="damaged"):
        hear_at(0, 0, embedder=Colours(), gallery=filled)


def test_shelves_keep_their_kinds_apart(filled) -> None:
    held = Gallery(filled)
    assert Shelf(held, Caption).count() == 4 and Shelf(held, Recording).count() == 2
    assert json.dumps(sorted(held.tables())) == '["captions", "recordings"]'

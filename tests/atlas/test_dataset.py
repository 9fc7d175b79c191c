"""Data sets: the same rows from every kind of file, and bad ones counted and named."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="Parquet needs the extra [train]")

sys.path.insert(0, str(Path(__file__).parent))
from made_data import NAMES, flac, png, row, write_parquet

from earwitness.atlas.dataset import DatasetError, open_pairs
from earwitness.atlas.dataset.reading import crop_to_zoom, read_sound
from earwitness.errors import OptionError


def write_tar(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    with tarfile.open(folder / "shard-000.tar", "w") as file:
        for held in rows:
            words = {k: v for k, v in held.items() if k not in ("image", "audio", "mel", "key")}
            for ending, content in {
                "png": held["image"], "flac": held["audio"], "json": json.dumps(words).encode(),
            }.items():  # fmt: skip
                info = tarfile.TarInfo(f"{held['key']}.{ending}")
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return folder


def write_csv(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    names = ("image", "audio", "caption", "lat", "lon", "time", "split", "source")
    with (folder / "set.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for held in rows:
            (folder / f"{held['key']}.png").write_bytes(held["image"])
            (folder / f"{held['key']}.flac").write_bytes(held["audio"])
            writer.writerow(
                {
                    "image": f"{held['key']}.png", "audio": f"{held['key']}.flac",
                    "caption": held["audio_caption"], "lat": held["lat"], "lon": held["lon"],
                    "time": held["date"], "split": held["split"], "source": held["audio_source"],
                }
            )  # fmt: skip
    return folder / "set.csv"


def test_parquet_tar_and_csv_give_the_same_pairs(tmp_path: Path) -> None:
    rows = [row(n) for n in range(16)]
    places = [
        write_parquet(tmp_path / "parquet", rows), write_tar(tmp_path / "tar", rows),
        write_csv(tmp_path / "csv", rows),
    ]  # fmt: skip
    for place in places:
        pairs = {p.audio_caption + str(p.lat_deg): p for p in open_pairs(place, split="train")}
        assert len(pairs) == 15
        for held in rows:
            if held["split"] != "train":
                continue
            pair = pairs[held["audio_caption"] + str(held["lat"])]
            assert pair.pixels.shape == (32, 32, 3)
            assert pair.mels.shape == (1, 1001, 64)
            assert (pair.when.month, pair.when.hour) == (
                int(held["date"][5:7]), int(held["date"][11:13]),
            )  # fmt: skip
            assert pair.asource == 2


def test_columns_of_the_published_sets_are_known(tmp_path: Path) -> None:
    mel = np.random.default_rng(0).normal(size=(5, 1, 32, 64)).astype(np.float32)
    rows = [
        {
            "sample_id": f"aporee-{n}", "source": "freesound" if n else "aporee",
            "audio": {"bytes": flac(300, n), "path": None},
            "bingmap_image": {"bytes": png((1, 2, 3), 1500), "path": None},
            "sentinel_image": {"bytes": png((1, 2, 3), 1280), "path": None},
            "audio_caption": "a bird", "audio_caption_source": "qwen", "mel_features": mel.tolist(),
            "llava_caption_bingmap_zl1": "near", "llava_caption_bingmap_zl5": "far",
            "latitude": 10.0, "longitude": 20.0, "date": "13 May 2012 6:30pm",
        }
        for n in range(2)
    ]  # fmt: skip
    folder = write_parquet(tmp_path / "train", rows, shards=1)
    pairs = list(open_pairs(folder, imagery="bingmap"))
    assert pairs[0].pixels.shape == (1500, 1500, 3)
    assert pairs[0].image_captions == {1: "near", 5: "far"}
    assert pairs[0].tsource == 1
    np.testing.assert_allclose(pairs[0].mels, mel[:, 0], atol=2e-3)
    assert (pairs[0].when.hour, pairs[1].when.hour) == (18, None)  # freesound tells uploads
    assert crop_to_zoom(pairs[0].pixels, "bingmap", 5).shape == (1500, 1500, 3)
    with pytest.raises(OptionError, match="too small for zoom 6"):
        crop_to_zoom(pairs[0].pixels, "bingmap", 6)
    with pytest.raises(DatasetError, match="holds no googleEarth images; it holds bingmap"):
        open_pairs(folder, imagery="googleEarth")


SPOILT = {
    "NaN": ({"mel": np.full((250, 64), np.nan, np.float16).tobytes()}, "not numbers"),
    "silent": ({"audio": flac(300, 1, level=0.0)}, "silent"),
    "silent mel": ({"mel": np.full((250, 64), -100, np.float16).tobytes()}, "same everywhere"),
    "no sound": ({"audio": b"noise"}, "cannot be read"),
    "grey": ({"image": png((9, 9, 9), mode="L")}, r"channels L \(1\)"),
    "alpha": ({"image": png((9, 9, 9), mode="RGBA")}, r"channels RGBA \(4\)"),
    "size": ({"image": png((9, 9, 9), 48)}, "48 px; those before it have 32 px"),
    "no image": ({"image": b"nothing"}, "image cannot be read"),
    "caption": ({"audio_caption": ""}, "no audio caption"),
    "latitude": ({"lat": 95.0}, "latitude is 95"),
    "label": ({"audio_source": "radio"}, "no source is called 'radio'"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_bad_row_is_one_clear_error_and_left_out_when_asked(tmp_path: Path, what: str) -> None:
    changes, message = SPOILT[what]
    rows = [row(n, split="train") for n in range(6)]
    rows[4] = row(4, split="train", **changes)
    folder = write_parquet(tmp_path / "set", rows, shards=1)
    with pytest.raises(DatasetError, match=r"1 of the 6 rows of .* are bad: 'row-4'") as caught:
        open_pairs(folder)
    assert "--skip-bad" in str(caught.value)
    pairs = open_pairs(folder, skip_bad=True)
    assert len(list(pairs)) == 5
    assert list(pairs.bad) == ["row-4"]
    import re

    assert re.search(message, pairs.bad["row-4"])


def test_sounds_that_are_not_numbers_are_refused() -> None:
    import soundfile

    wave = np.zeros(16000, np.float32)
    wave[100] = np.nan
    made = io.BytesIO()
    soundfile.write(made, wave, 16000, format="WAV", subtype="FLOAT")
    with pytest.raises(ValueError, match="not numbers"):
        read_sound(made.getvalue())


def test_a_longer_sound_gives_five_crops() -> None:
    assert read_sound(flac(440, 0, seconds=14)).shape == (5, 1001, 64)


def test_a_set_without_a_column_is_refused(tmp_path: Path) -> None:
    rows = [{k: v for k, v in row(n).items() if k not in ("lat", "audio", "mel")} for n in range(3)]
    with pytest.raises(DatasetError, match=r"no column lat, audio \(or mel\); it has audio_cap"):
        open_pairs(write_parquet(tmp_path / "set", rows))


def test_files_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "set", [row(n) for n in range(4)])
    whole = (folder / "part-1.parquet").read_bytes()
    (folder / "part-1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r"part-1\.parquet is no whole Parquet file"):
        open_pairs(folder)
    with pytest.raises(DatasetError, match="there is no data set"):
        open_pairs(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="none of the split 'test'"):
        open_pairs(write_parquet(tmp_path / "other", [row(n) for n in range(4)]), split="test")


def test_a_csv_cannot_read_files_outside_its_folder(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "csv", [row(n) for n in range(3)])
    (tmp_path / "secret.png").write_bytes(png((1, 1, 1)))
    table.write_text(table.read_text().replace("row-1.png", "../secret.png"))
    with pytest.raises(DatasetError, match="outside the folder of the CSV"):
        open_pairs(table)


def test_a_set_without_splits_is_divided_by_places(tmp_path: Path) -> None:
    rows = [{k: v for k, v in row(n).items() if k != "split"} for n in range(60)]
    folder = write_parquet(tmp_path / "set", rows)
    keys = [{p.key for p in open_pairs(folder, split=s)} for s in ("train", "val", "test")]
    assert sum(map(len, keys)) == 60 == len(set().union(*keys))
    assert len(keys[0]) > 35


def test_the_hub_out_of_reach_is_said_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub", reason="needs the extra [train]")
    from huggingface_hub import HfApi

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(HfApi, "dataset_info", refuse)
    start = time.monotonic()
    with pytest.raises(DatasetError, match="hub cannot be reached for hf:MVRL/GeoSound"):
        open_pairs("hf:MVRL/GeoSound")
    assert time.monotonic() - start < 20
    with pytest.raises(DatasetError, match="no name of a data set"):
        open_pairs("hf:../etc")


def test_batches_of_a_step_are_always_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [train]")
    from earwitness.atlas.dataset.batches import Batches
    from earwitness.atlas.sat2sound.config import Config, Sizes
    from earwitness.atlas.texts import KeptStates, WordHashes

    pairs = open_pairs(write_parquet(tmp_path / "set", [row(n) for n in range(12)]))
    words = KeptStates(WordHashes(8), tmp_path / "states.sqlite")
    made = Batches(pairs, Config(sizes=Sizes.small()), words, size=5, seed=3)
    first = made(0), made(1), made(7)
    again = made(7), made(0)
    assert torch.equal(first[2].images, again[0].images)
    assert torch.equal(first[0].mel, again[1].mel)
    seen = torch.cat([first[0].metadata.latlong, first[1].metadata.latlong])
    assert len(torch.unique(seen, dim=0)) == 10  # no pair twice in a round
    assert len(first[0]) == 5
    assert set(first[0].audio_mask.sum(1).tolist()) == {2.0}
    made.close()
    alone = open_pairs(write_parquet(tmp_path / "one", [row(0)], shards=1))
    with pytest.raises(DatasetError, match="1 row to learn from"):
        Batches(alone, Config(sizes=Sizes.small()), words, size=5)


def test_a_batch_reads_no_part_of_a_file_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs the extra [train]")
    from pyarrow.parquet import ParquetFile

    from earwitness.atlas.dataset import pairs as kept
    from earwitness.atlas.dataset.batches import Batches
    from earwitness.atlas.sat2sound.config import Config, Sizes
    from earwitness.atlas.texts import KeptStates, WordHashes

    monkeypatch.setattr(kept, "_KEPT_BYTES", 0)
    held = open_pairs(write_parquet(tmp_path / "set", [row(n) for n in range(40)], shards=5))
    words = KeptStates(WordHashes(8), tmp_path / "states.sqlite")
    made = Batches(held, Config(sizes=Sizes.small()), words, size=20)
    groups: list[int] = []
    read = ParquetFile.read_row_group
    monkeypatch.setattr(
        ParquetFile,
        "read_row_group",
        lambda self, *a, **k: groups.append(a[0]) or read(self, *a, **k),
    )
    batch = made.make(0)
    assert len(batch) == 20
    assert len(groups) <= 5  # one for each file


def test_a_set_without_splits_is_divided_without_reading_its_sounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow.parquet import ParquetFile

    folder = write_parquet(tmp_path / "set", [row(n, split=None) for n in range(12)])
    asked: list[str] = []
    read = ParquetFile.read_row_group
    monkeypatch.setattr(
        ParquetFile, "read_row_group",
        lambda self, *a, **k: asked.extend(k["columns"]) or read(self, *a, **k),
    )  # fmt: skip
    from earwitness.atlas.dataset.pairs import Pairs
    from earwitness.atlas.dataset.sources import open_source

    assert len(Pairs(open_source(folder), name="set", split="train", imagery="sentinel")) > 0
    assert set(asked) == {"lat", "lon"}


def test_names_of_sounds_are_in_the_pairs(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "set", [row(n) for n in range(4)], shards=1)
    assert [p.concepts for p in open_pairs(folder)] == [(name,) for name in NAMES]


@pytest.mark.parametrize(
    ("between", "encoding", "name"),
    [(";", "utf-8-sig", "set.csv"), ("\t", "utf-16", "set.csv"), ("\t", "utf-8", "set.tsv")],
)
def test_a_table_may_be_written_by_any_spreadsheet(
    tmp_path: Path, between: str, encoding: str, name: str
) -> None:
    plain = write_csv(tmp_path / "plain", [row(n) for n in range(4)])
    with plain.open(newline="") as file:
        table = list(csv.reader(file))
    # Where semicolons or tabs divide the columns, commas stand before fractions.
    table = [[re.sub(r"^(-?\d+)\.(\d+)$", r"\1,\2", value) for value in line] for line in table]
    other = tmp_path / "plain" / name
    plain.unlink()
    with other.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=between).writerows(table)
    assert [(pair.audio_caption, pair.lat_deg) for pair in open_pairs(other.parent)] == [
        (row(n)["audio_caption"], row(n)["lat"]) for n in range(4)
    ]


def test_a_csv_written_on_windows_finds_its_files(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "csv", [row(n) for n in range(2)])
    below = tmp_path / "csv" / "below"
    below.mkdir()
    for file in (tmp_path / "csv").glob("*.png"):
        file.rename(below / file.name)
    text = table.read_text().replace("row-", "below\\row-", 1)
    table.write_text(text.replace("\nrow-1.png", "\nbelow\\row-1.png"))
    assert len(open_pairs(table)) == 2


def test_splits_are_known_in_any_letters(tmp_path: Path) -> None:
    words = ("Train", "TRAINING", "Validation", "Test ")
    folder = write_parquet(tmp_path / "set", [row(n, split=words[n % 4]) for n in range(8)], 1)
    assert [len(open_pairs(folder, split=s)) for s in ("train", "val", "test")] == [4, 2, 2]


def test_a_csv_without_splits_names_the_row_whose_file_lacks(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "csv", [row(n, split="") for n in range(40)])
    (tmp_path / "csv" / "row-3.png").unlink()
    with pytest.raises(DatasetError, match=r"'3': there is no file 'row-3.png'"):
        for split in ("train", "val", "test"):
            open_pairs(table, split=split)


def test_what_a_mac_adds_to_a_tar_is_no_row(tmp_path: Path) -> None:
    folder = write_tar(tmp_path / "tar", [row(n) for n in range(3)])
    with tarfile.open(folder / "shard-000.tar", "a") as file:
        for name in ("._row-0.png", "sub/._row-1.flac", ".DS_Store"):
            info = tarfile.TarInfo(name)
            info.size = 4
            file.addfile(info, io.BytesIO(b"\0\5\x16\7"))
    assert [pair.key for pair in open_pairs(folder)] == ["row-0", "row-1", "row-2"]


@pytest.mark.parametrize("split", [None, "train"])
def test_spoilt_json_in_a_tar_is_named_with_its_row(tmp_path: Path, split: str | None) -> None:
    folder = write_tar(tmp_path / "tar", [row(n) for n in range(3)])
    with tarfile.open(folder / "shard-000.tar", "a") as file:
        info = tarfile.TarInfo("row-1.json")
        info.size = 9
        file.addfile(info, io.BytesIO(b'{"lat": 1'))
    with pytest.raises(DatasetError, match="its JSON cannot be read"):
        open_pairs(folder, split=split)


def test_sounds_that_only_ffmpeg_decodes_are_read() -> None:
    av = pytest.importorskip("av")
    times = np.arange(25 * 16000) / 16000
    wave = (0.3 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)
    made = io.BytesIO()
    with av.open(made, "w", format="ipod") as file:  # .m4a
        sound = file.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate = 16000
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            file.mux(packet)
    plain = io.BytesIO()
    import soundfile

    soundfile.write(plain, wave, 16000, format="WAV")
    ours, wanted = (
        read_sound(held.getvalue()).astype(np.float32) for held in (made, plain)
    )  # the pitch is in the same band, at the same level, in all five crops
    assert ours.shape == wanted.shape == (5, 1001, 64)
    band = wanted[2].mean(axis=0).argmax()
    assert ours[2].mean(axis=0).argmax() == band
    assert abs(ours[:, 100:-100, band] - wanted[:, 100:-100, band]).max() < 1.0


def test_what_cannot_be_read_is_not_called_by_its_address_in_memory() -> None:
    with pytest.raises(ValueError, match="its sound cannot be read") as told:
        read_sound(b"no sound" * 100)
    assert "0x" not in str(told.value)


def test_a_place_that_is_not_a_number_is_not_known(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "csv", [row(n, lat="nan") for n in range(2)])
    assert [pair.lat_deg for pair in open_pairs(table)] == [None, None]


@pytest.mark.parametrize("shape", [(300, 64), (19200,), (1, 300, 64)])
def test_spectrograms_are_read_from_lists_however_nested(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    mel = np.random.default_rng(0).normal(-30, 10, shape)
    rows = [row(n, audio=None, mel=mel.tolist()) for n in range(2)]
    for pair in open_pairs(write_parquet(tmp_path / "set", rows, 1)):
        np.testing.assert_allclose(pair.mels, mel.reshape(1, 300, 64), atol=0.05)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"audio": None, "mel": [[[-1.0] * 64] * 300, [[-1.0] * 64] * 200]}, "not all of one"),
        ({"zoom": "near"}, "its zoom is 'near', not a number"),
        ({"zoom": 2.5}, "its zoom is 2.5; allowed is a whole number"),
        ({"ground_m": -3.0}, "its ground_m is -3; allowed are metres"),
        ({"image": "iVBORw0KGgo="}, "its image is a str, not the bytes"),
    ],
)
def test_values_of_another_kind_are_said_in_words(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    folder = write_parquet(tmp_path / "set", [row(n, **changes) for n in range(2)], 1)
    with pytest.raises(DatasetError, match=told):
        open_pairs(folder)


def test_an_array_that_says_it_is_huge_is_one_clear_error(tmp_path: Path) -> None:
    def array(values: Any, shape: tuple[int, ...]) -> bytes:
        made = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            made, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
        return made.getvalue() + values.tobytes()

    mel = np.random.default_rng(0).normal(-30, 10, (1, 300, 64)).astype(np.float32)
    for name, shape in (("whole", mel.shape), ("huge", (10**7, 10**6, 64))):
        folder = write_tar(tmp_path / name, [row(0)])
        with tarfile.open(folder / "shard-000.tar", "w") as file:
            words = {k: v for k, v in row(0).items() if k in ("audio_caption", "lat", "lon")}
            for ending, content in {
                "png": row(0)["image"], "mel.npy": array(mel, shape),
                "json": json.dumps(words).encode(),
            }.items():  # fmt: skip
                info = tarfile.TarInfo(f"a.{ending}")
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
        if name == "whole":
            np.testing.assert_allclose(next(iter(open_pairs(folder))).mels, mel, atol=0.05)
        else:
            with pytest.raises(DatasetError, match=r"its \.npy file cannot be read"):
                open_pairs(folder)


def test_a_path_beside_a_spectrogram_is_no_matter(tmp_path: Path) -> None:
    mel = np.random.default_rng(0).normal(-30, 10, (300, 64)).astype(np.float16)
    rows = [row(n, audio="far/away.flac", mel=mel.tobytes()) for n in range(2)]
    assert len(open_pairs(write_parquet(tmp_path / "set", rows, 1))) == 2


@pytest.mark.parametrize("lat", ["-500", "1e300", "north"])
def test_a_place_that_is_none_is_named_where_the_set_is_divided(tmp_path: Path, lat: str) -> None:
    table = write_csv(tmp_path / "csv", [row(n, split="", lat=lat) for n in range(3)])
    with pytest.raises(DatasetError, match="its latitude is"):
        open_pairs(table, split="train")

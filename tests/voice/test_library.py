"""A folder of recordings as a voice: picked by words, lengthened without a loop, credited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from earwitness.errors import VoiceError
from earwitness.voice import grains
from earwitness.voice.contract import STEM_LUFS, Request
from earwitness.voice.level import loudness
from earwitness.voice.library import VARIABLE, Library
from earwitness.voice.recordings import words_of_name
from earwitness.voice.repetition import loop

RATE = 16000


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def barks() -> np.ndarray:
    made = np.zeros(4 * RATE)
    for i, start in enumerate((0.3, 1.4, 2.9)):
        t = np.arange(round(0.2 * RATE)) / RATE
        at = round(start * RATE)
        made[at : at + len(t)] = np.sin(2 * np.pi * (400 + 300 * i) * t) * np.exp(-12 * t)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "sounds"
    (home / "animals").mkdir(parents=True)
    soundfile.write(home / "heavy rain on roof.wav", noise(3.0), RATE)
    soundfile.write(home / "WATRFlow_Mountain creek_JaneDoe_HILLS.flac", noise(2.5, 1), RATE)
    soundfile.write(home / "animals" / "hound_01.ogg", barks(), RATE)
    soundfile.write(home / "x17.wav", noise(1.0, 2), RATE)
    soundfile.write(home / "didgeridoo.wav", noise(1.0, 3), RATE)
    (home / "library.csv").write_text(
        "file,words,licence,author,title,url\n"
        "x17.wav,evening crickets,CC0-1.0,A. Smith,Field 17,https://example.org/17\n",
        "utf-8",
    )
    (home / "notes.txt").write_text("no sound")
    return home


def stem(library: Library, words: str, **options: float) -> np.ndarray:
    request = Request(words, rate_hz=RATE, **options)  # type: ignore[arg-type]
    made = np.concatenate(list(library.voice(request).blocks))
    assert made.dtype == np.float32 and len(made) == request.samples
    return made


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("a downpour on a tin roof", "heavy rain on roof"),
        ("a brook", "WATRFlow_Mountain creek_JaneDoe_HILLS"),
        ("dogs", "hound_01"),
        ("crickets", "Field 17"),
        ("didgeridoo", "didgeridoo"),
    ],
)
def test_recordings_are_picked_by_what_words_mean(folder: Path, words: str, title: str) -> None:
    voiced = Library(folder).voice(Request(words, rate_hz=RATE))
    assert [credit.title for credit in voiced.credits] == [title]


def test_credits_tell_author_and_licence_or_that_nobody_knows(folder: Path) -> None:
    library = Library(folder)
    (known,) = library.voice(Request("crickets")).credits
    assert (known.author, known.licence) == ("A. Smith", "CC0-1.0")
    assert known.url == "https://example.org/17"
    (ucs,) = library.voice(Request("a stream")).credits
    assert (ucs.author, ucs.licence) == ("JaneDoe", "unknown")


def test_every_sound_of_a_phrase_has_its_recording(folder: Path) -> None:
    voiced = Library(folder).voice(Request("crickets and dogs", rate_hz=RATE))
    assert voiced.concept == "mixture"
    assert [credit.title for credit in voiced.credits] == ["Field 17", "hound_01"]


@pytest.mark.parametrize("words", ["crickets", "a stream", "dogs"])
def test_stem_is_nominal_at_any_length_and_never_loops(folder: Path, words: str) -> None:
    made = stem(Library(folder), words, duration_s=60.0).astype(float)
    assert loudness(made, RATE) == pytest.approx(STEM_LUFS, abs=1.0)
    assert loop(made, RATE) < 0.5
    assert np.abs(made[[0, -1]]).max() < 1e-4


def test_seed_decides_and_nothing_else(folder: Path) -> None:
    one, other = Library(folder), Library(str(folder))
    assert np.array_equal(stem(one, "dogs", seed=3), stem(other, "dogs", seed=3))
    assert not np.array_equal(stem(one, "dogs", seed=3), stem(one, "dogs", seed=4))


def test_seeds_choose_among_the_like(tmp_path: Path) -> None:
    for i in range(6):
        soundfile.write(tmp_path / f"rain {i}.wav", noise(1.0, i), RATE)
    library = Library(tmp_path)
    titles = {library.voice(Request("rain", seed=s)).credits[0].title for s in range(40)}
    assert len(titles) == 6


def test_no_match_names_what_is_nearest(folder: Path) -> None:
    with pytest.raises(VoiceError, match=r"no recording in .* is like 'ukulele'; nearest are"):
        Library(folder).voice(Request("a ukulele"))


def test_refused_sounds_are_not_picked(folder: Path) -> None:
    with pytest.raises(VoiceError, match="say what is to sound"):
        Library(folder).voice(Request("no dogs"))


def test_folder_comes_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(folder))
    assert len(Library().recordings) == 5
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(VoiceError, match=f"library:FOLDER or set {VARIABLE}"):
        Library()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.joinpath("text.txt").write_text("x"), "holds no recordings"),
        (lambda p: p.joinpath("rain.wav").write_bytes(b"RIFF"), "cannot be read as sound"),
        (lambda p: p.joinpath("rain.mp3").write_bytes(b""), "cannot be read as sound"),
        (lambda p: soundfile.write(p / "rain.wav", np.zeros(8000), RATE), "holds no sound"),
        (
            lambda p: (
                soundfile.write(p / "rain.wav", noise(1), RATE),
                p.joinpath("library.csv").write_text("a,b\n1,2\n"),
            ),
            "no column 'file'",
        ),
    ],
)
def test_bad_folders_and_files_are_told(tmp_path: Path, make: object, message: str) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(VoiceError, match=message):
        list(Library(tmp_path).voice(Request("rain")).blocks)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="is not a folder"):
        Library(tmp_path / "nowhere")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    soundfile.write(outside / "secret rain.wav", noise(1), RATE)
    soundfile.write(inside / "rain.wav", noise(1), RATE)
    (inside / "linked rain.wav").symlink_to(outside / "secret rain.wav")
    (inside / "linked").symlink_to(outside, target_is_directory=True)
    assert [r.path.name for r in Library(inside).recordings] == ["rain.wav"]


def test_ucs_names_and_plain_names_are_read() -> None:
    assert words_of_name("FEETHmn_Walking On Gravel_AB_SRC_take2") == (
        "footsteps hmn Walking On Gravel",
        "AB",
    )
    assert words_of_name("03-seagullsAtHarbour") == ("seagulls At Harbour", "")


def test_single_events_are_found_and_come_with_other_pauses() -> None:
    single = grains.events(barks(), RATE)
    assert len(single) == 3
    made = grains.extended(barks(), 60 * RATE, RATE, np.random.default_rng(0))
    again = grains.events(made, RATE)
    gaps = np.diff([start for start, _ in again]) / RATE
    assert 20 < len(again) < 80
    assert gaps.std() > 0.2


def test_sound_without_pauses_keeps_its_level() -> None:
    source = noise(2.0)
    made = grains.extended(source, 60 * RATE, RATE, np.random.default_rng(0))
    power = (made.reshape(-1, RATE) ** 2).mean(axis=1) / (source**2).mean()
    assert np.abs(10 * np.log10(power)).max() < 2.0


def test_a_long_recording_is_cut_and_not_woven() -> None:
    source = noise(30.0)
    made = grains.extended(source, 5 * RATE, RATE, np.random.default_rng(1))
    start = np.flatnonzero(source == made[0])[0]
    assert np.array_equal(made, source[start : start + len(made)])

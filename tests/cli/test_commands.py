"""The installed command: files that other programs read, and one clear line for each bad input."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from earwitness.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
DOGS = EXAMPLES / "dogs.jpg"


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """A photograph heard once, for all tests that only read."""
    folder = tmp_path_factory.mktemp("heard") / "dogs.scene"
    code = main(["listen", str(DOGS), "-o", str(folder), "-d", "3", "--adm", "-q"])
    assert code == 0
    return folder


@pytest.fixture
def scene(heard, tmp_path):
    """A copy of the heard scene, to be edited."""
    return Path(shutil.copytree(heard, tmp_path / "copy.scene"))


def errors(capsys):
    """Return what was said on standard error."""
    return capsys.readouterr().err


def test_listening_writes_every_file(heard):
    table = json.loads((heard / "scene.json").read_text())
    stems = [part["stem"] for part in (*table["sources"], *table["bed"])]
    names = {str(file.relative_to(heard)) for file in heard.rglob("*") if file.is_file()}
    assert names == {
        "scene.json", "scene.png", "5.1.wav", "binaural.wav", "adm.wav", *stems
    }  # fmt: skip
    assert table["schema"] == "earwitness.scene/1"
    assert table["sources"]
    assert table["bed"]


@pytest.mark.parametrize(("name", "channels"), [("5.1", 6), ("binaural", 2)])
def test_the_renders_are_whole_and_of_the_right_loudness(heard, name, channels):
    sound, rate = soundfile.read(heard / f"{name}.wav", always_2d=True)
    assert (sound.shape, rate) == ((3 * 48000, channels), 48000)
    assert 0.001 < np.abs(sound).max() < 10 ** (-0.9 / 20)


def test_two_dogs_are_heard_where_they_are_seen(heard):
    table = json.loads((heard / "scene.json").read_text())
    dogs = [source for source in table["sources"] if source["concept"] == "dog"]
    assert dogs
    for dog in dogs:
        x, y = dog["positions"][0][1:3]
        middle = (dog["region"]["box_px"][0] + dog["region"]["box_px"][2]) / 2
        assert x > 0
        assert (y > 0) == (middle < 1065 / 2)


def test_the_picture_of_what_was_heard_is_a_picture(heard):
    with Image.open(heard / "scene.png") as image:
        assert image.size[0] >= 1000
        assert len(image.convert("RGB").getcolors(10**7)) > 1000


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(heard, tmp_path):
    for name, seed in (("same", 0), ("other", 1)):
        options = ["-o", str(tmp_path / name), "-d", "3", "--seed", str(seed), "-l", "5.1", "-q"]
        assert main(["listen", str(DOGS), *options]) == 0
    first = (heard / "5.1.wav").read_bytes()
    assert (tmp_path / "same" / "5.1.wav").read_bytes() == first
    assert (tmp_path / "other" / "5.1.wav").read_bytes() != first


def test_rendering_again_gives_the_same_samples(scene, heard):
    (scene / "5.1.wav").unlink()
    assert main(["render", str(scene), "-l", "5.1", "-q"]) == 0
    assert (scene / "5.1.wav").read_bytes() == (heard / "5.1.wav").read_bytes()


def test_a_hand_edit_is_heard(scene):
    file = scene / "scene.json"
    table = json.loads(file.read_text())
    table["sources"] = [table["sources"][0]]
    table["bed"] = []
    table["sources"][0].update(
        name="a wolf howling", concept="wolf", stem=None, kind="point", spread_deg=0,
        positions=[[0, 0, 3, 0]],
    )  # fmt: skip
    file.write_text(json.dumps(table))
    assert main(["render", str(scene), "-l", "quad", "-q"]) == 0
    sound, _ = soundfile.read(scene / "quad.wav")
    left, right = (np.sum(sound[:, [a, b]] ** 2) for a, b in ((0, 2), (1, 3)))
    assert left > 1e4 * right
    assert json.loads(file.read_text())["sources"][0]["stem"] == "stems/" + (
        table["sources"][0]["id"] + ".flac"
    )


def test_one_layout_can_be_written_to_a_file(scene, tmp_path):
    out = tmp_path / "deep" / "a.flac"
    assert main(["render", str(scene), "-l", "stereo", "-o", str(out), "-q"]) == 0
    assert soundfile.info(out).channels == 2


def test_a_kind_of_file_that_is_not_written_is_told(scene, tmp_path, capsys):
    out = tmp_path / "a.mp3"
    assert main(["render", str(scene), "-l", "stereo", "-o", str(out), "-q"]) == 1
    assert "write a .wav or a .flac" in capsys.readouterr().err
    assert not out.exists()


def test_words_become_a_file(tmp_path, capsys):
    out = tmp_path / "rain.wav"
    assert main(["voice", "light rain and a dog barking", "-o", str(out), "-d", "2"]) == 0
    assert soundfile.info(out).frames == 96000
    assert "dog" in capsys.readouterr().out


def test_help_teaches(capsys):
    for words in ([], ["--help"], ["listen", "--help"], ["render", "-h"], ["voice", "-h"]):
        assert main(words) == 0
        assert "Examples" in capsys.readouterr().out


def test_the_program_itself_runs(tmp_path):
    program = Path(sys.executable).with_name("earwitness")
    done = subprocess.run(
        [program, "listen", str(tmp_path / "none.jpg")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "there is no file" in done.stderr


# What is wrong, the words after the program's name (DIR and PIC stand for the test's folder and
# the photo), and what the one line must say.
BAD = [
    ("no file", ["listen", "DIR/none.jpg"], "there is no file"),
    ("a folder", ["listen", "DIR"], "is a folder"),
    ("text called jpg", ["listen", "DIR/text.jpg"], "not a picture"),
    ("0 bytes", ["listen", "DIR/empty.jpg"], "empty"),
    ("truncated", ["listen", "DIR/cut.jpg"], "cut short"),
    ("unknown layout", ["listen", "PIC", "-l", "5.2"], "no layout is called '5.2'"),
    ("negative duration", ["listen", "PIC", "-d", "-3"], "duration -3"),
    ("zero duration", ["listen", "PIC", "-d", "0"], "duration 0"),
    ("nan duration", ["listen", "PIC", "-d", "nan"], "duration nan"),
    ("endless duration", ["listen", "PIC", "-d", "inf"], "duration inf"),
    ("duration in words", ["listen", "PIC", "-d", "long"], "long"),
    ("no sources", ["listen", "PIC", "--sources", "0"], "0 sources"),
    ("a fish eye", ["listen", "PIC", "--fov", "400"], "field of view 400"),
    ("negative seed", ["listen", "PIC", "--seed", "-1"], "seed -1"),
    ("unknown voice", ["listen", "PIC", "--voice", "bob"], "no voice is called 'bob'"),
    ("unknown look", ["listen", "PIC", "--look", "bob"], "no segmenter is called 'bob'"),
    ("unknown renderer", ["listen", "PIC", "--renderer", "bob"], "no renderer is called 'bob'"),
    ("wrong renderer", ["listen", "PIC", "--renderer", "binaural", "-l", "5.1"], "binaural"),
    ("rate", ["listen", "PIC", "--rate", "10"], "rate 10"),
    ("loudness", ["listen", "PIC", "--loudness", "7"], "loudness 7"),
    ("loudness in words", ["listen", "PIC", "--loudness", "loud"], "no loudness"),
    ("unknown words", ["listen", "PIC", "--prompt", "quantum flux"], "quantum"),
    ("a file as folder", ["listen", "PIC", "-o", "DIR/text.jpg"], "is a file"),
    ("a folder in use", ["listen", "PIC", "-o", "DIR"], "no scene"),
    ("below a file", ["listen", "PIC", "-o", "DIR/text.jpg/x"], "cannot be written"),
    ("unknown option", ["listen", "PIC", "--louder"], "--louder"),
    ("unknown command", ["liste"], "liste"),
    ("no scene", ["render", "DIR/none.scene"], "there is no scene"),
    ("no json", ["render", "DIR"], "holds no scene.json"),
    ("no words", ["voice"], "no words"),
    ("no sound of that name", ["voice", "quantum flux", "-o", "DIR/a.wav"], "quantum"),
    ("no place to write", ["voice", "rain"], "-o"),
    ("another ending", ["voice", "rain", "-o", "DIR/a.mp3"], ".mp3"),
]


@pytest.mark.parametrize(("words", "says"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_gets_one_clear_line(tmp_path, capsys, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    (data / "text.jpg").write_text("Dear diary")
    (data / "empty.jpg").write_bytes(b"")
    (data / "cut.jpg").write_bytes(DOGS.read_bytes()[:50000])
    before = sorted(tmp_path.rglob("*"))
    filled = [word.replace("DIR", str(data)).replace("PIC", str(DOGS)) for word in words]
    assert main(filled) == 1
    said = errors(capsys)
    assert said.count("\n") == 1
    assert said.startswith("earwitness: error: ")
    assert says in said
    assert sorted(tmp_path.rglob("*")) == before


def test_debug_shows_the_traceback(tmp_path, capsys):
    assert main(["listen", str(tmp_path / "none.jpg"), "--debug"]) == 1
    assert "Traceback" in errors(capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told(tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert main(["listen", str(DOGS), "-o", str(tmp_path / "a.scene"), "-q"]) == 1
    assert "cannot be written" in errors(capsys)


def test_a_missing_stem_is_told(scene, capsys):
    next((scene / "stems").iterdir()).unlink()
    assert main(["render", str(scene)]) == 1
    assert "a file that exists" in errors(capsys)


def test_a_stem_outside_its_folder_is_told(scene, capsys):
    file = scene / "scene.json"
    table = json.loads(file.read_text())
    table["bed"][0]["stem"] = "../../../../etc/passwd"
    file.write_text(json.dumps(table))
    assert main(["render", str(scene)]) == 1
    assert "inside the scene's folder" in errors(capsys)


def test_nan_by_hand_is_told(scene, capsys):
    file = scene / "scene.json"
    file.write_text(file.read_text().replace('"duration_s": 3.0', '"duration_s": NaN'))
    assert main(["render", str(scene)]) == 1
    assert "NaN" in errors(capsys)


def test_listening_again_keeps_the_edited_scene(scene):
    edited = (scene / "scene.json").read_text().replace('"seed": 0', '"seed": 99')
    (scene / "scene.json").write_text(edited)
    assert main(["listen", str(DOGS), "-o", str(scene), "-d", "1", "-l", "mono", "-q"]) == 0
    assert (scene / "scene.previous.json").read_text() == edited


def test_a_failure_leaves_the_old_scene(scene):
    before = {file: file.read_bytes() for file in scene.rglob("*") if file.is_file()}
    code = main(["listen", str(DOGS), "-o", str(scene), "--voice", "library:/nowhere", "-q"])
    assert code == 1
    assert {file: file.read_bytes() for file in scene.rglob("*") if file.is_file()} == before

"""A scene's folder: whole or not at all, never over something else, stems only from inside."""

import dataclasses
import json

import numpy as np
import pytest

from earwitness.errors import MediaError, OutputError, SceneError
from earwitness.media import check_replaceable, folder_beside, read_scene, write_flac, write_scene
from earwitness.scene import Bed, Scene, Source

SCENE = Scene(
    sources=(Source("dog", "a dog", "dog", stem="stems/dog.flac"),),
    bed=(Bed("wind", "wind", "wind", stem="stems/wind.flac"),),
)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "a.scene"
    (place / "stems").mkdir(parents=True)
    for name in ("dog", "wind"):
        write_flac(place / "stems" / f"{name}.flac", [np.zeros(4800, "f4")], rate_hz=48000)
    write_scene(place, SCENE)
    return place


def test_a_folder_is_read_by_its_name_or_its_json(folder):
    assert read_scene(folder) == (SCENE, folder)
    assert read_scene(folder / "scene.json") == (SCENE, folder)


def test_a_missing_stem_is_told(folder):
    (folder / "stems" / "dog.flac").unlink()
    with pytest.raises(SceneError, match=r"sources\[0\].stem.*a file that exists"):
        read_scene(folder)


def test_a_stem_that_links_out_of_the_folder_is_refused(folder, tmp_path):
    outside = tmp_path / "secret.flac"
    write_flac(outside, [np.zeros(10, "f4")], rate_hz=48000)
    (folder / "stems" / "dog.flac").unlink()
    (folder / "stems" / "dog.flac").symlink_to(outside)
    with pytest.raises(SceneError, match="inside the scene's folder"):
        read_scene(folder)


def test_a_stem_that_is_no_sound_is_told(folder):
    (folder / "stems" / "wind.flac").write_text("la la la")
    with pytest.raises(SceneError, match=r"bed\[0\].stem.*FLAC or WAV"):
        read_scene(folder)


def test_a_stereo_stem_is_told(folder):
    write_flac(folder / "stems" / "dog.flac", [np.zeros((2, 100), "f4")], rate_hz=48000, channels=2)
    with pytest.raises(SceneError, match=r"2 channels.*a mono sound"):
        read_scene(folder)


def test_nan_by_hand_is_told_with_the_file(folder):
    file = folder / "scene.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": NaN'))
    with pytest.raises(SceneError, match=r"scene.json.*NaN"):
        read_scene(folder)


@pytest.mark.parametrize("text", [b"\xff\xfe\x00{", b"", b"[1,2"])
def test_a_damaged_json_is_told(folder, text):
    (folder / "scene.json").write_bytes(text)
    with pytest.raises((SceneError, MediaError), match=r"scene.json"):
        read_scene(folder)


def test_no_scene_is_told(tmp_path):
    with pytest.raises(MediaError, match="there is no scene"):
        read_scene(tmp_path / "nothing")
    with pytest.raises(MediaError, match=r"holds no scene\.json"):
        read_scene(tmp_path)


def test_the_scene_can_be_written_again_after_an_edit(folder):
    write_scene(folder, dataclasses.replace(SCENE, seed=5))
    assert json.loads((folder / "scene.json").read_text())["seed"] == 5


def test_a_folder_with_something_else_is_not_replaced(folder, tmp_path):
    check_replaceable(folder)
    check_replaceable(tmp_path / "new")
    (folder / "thesis.doc").write_text("years of work")
    with pytest.raises(OutputError, match=r"thesis.doc"):
        check_replaceable(folder)
    with pytest.raises(OutputError, match="is a file"):
        check_replaceable(folder / "scene.json")
    with pytest.raises(OutputError, match="no scene"):
        check_replaceable(tmp_path)


@pytest.mark.parametrize("name", ["heard.wav", "heard.MP4"])
def test_a_name_for_a_file_is_not_made_a_folder(tmp_path, name):
    with pytest.raises(OutputError, match=r"a name for a file.*heard\.scene"):
        check_replaceable(tmp_path / name)


def test_a_folder_that_fails_leaves_the_old_one(folder, tmp_path):
    with pytest.raises(RuntimeError), folder_beside(folder) as made:
        (made / "scene.json").write_text("new")
        raise RuntimeError("boom")
    assert read_scene(folder)[0] == SCENE
    assert [f.name for f in tmp_path.iterdir()] == ["a.scene"]


def test_a_new_folder_takes_the_place_of_the_old(folder, tmp_path):
    with folder_beside(folder) as made:
        (made / "scene.json").write_text("new")
    assert (folder / "scene.json").read_text() == "new"
    assert not (folder / "stems").exists()
    assert [f.name for f in tmp_path.iterdir()] == ["a.scene"]


def test_where_nothing_can_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), folder_beside(tmp_path / "file/x"):
        pass

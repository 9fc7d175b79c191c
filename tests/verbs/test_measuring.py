"""The command ``evaluate`` on scenes, pairs and sets, and the pages that it writes."""

from __future__ import annotations

import csv
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from earwitness.cli.main import main
from earwitness.errors import EarwitnessError
from earwitness.media import write_flac, write_scene, write_wav
from earwitness.media.sounds import layout_of, read_sound
from earwitness.scene import Scene, Source, layout_named
from earwitness.scene.frame import xyz
from earwitness.verbs.measuring import evaluate_scene, evaluate_set

RATE = 16000
PLACES = {"low": (60.0, 2.0, (150, 900)), "mid": (-20.0, 8.0, (1200, 2500)),
          "high": (-110.0, 20.0, (3000, 6000))}  # fmt: skip


def _band(low_hz: float, high_hz: float, seed: int) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(RATE))
    bins = np.fft.rfftfreq(RATE, 1 / RATE)
    spectrum[(bins < low_hz) | (bins > high_hz)] = 0
    wave = np.fft.irfft(spectrum)
    return (0.1 * wave / np.std(wave)).astype(np.float32)


def _write(folder: Path) -> Path:
    (folder / "stems").mkdir(parents=True)
    sources = []
    for i, (name, (azimuth, distance, band)) in enumerate(PLACES.items()):
        stem = f"stems/{name}.flac"
        write_flac(folder / stem, [_band(*band, i)], rate_hz=RATE)
        at = tuple(float(v) for v in xyz(azimuth, 0.0, distance))
        sources.append(
            Source(name, f"{name} <hum>", "dog", positions=((0.0, *at),), level_db=80, stem=stem)
        )
    write_scene(folder, Scene(tuple(sources), duration_s=1.0))
    return folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("set") / "one.scene")


def _figures(file: Path) -> dict[tuple[str, str, str], float]:
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {(r["item"], r["layout"], r["measure"]): float(r["value"] or "nan") for r in rows}


def test_a_scene_is_heard_where_it_is_seen(scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    assert main(["evaluate", "scene", str(scene), "-o", str(out), "-q"]) == 0
    found = _figures(out / "results.csv")
    assert found["one.scene", "foa", "space.worst_deg"] < 2
    assert found["one.scene", "5.1", "space.worst_deg"] < 2
    assert found["one.scene", "binaural", "space.mean_deg"] < 8
    assert found["one.scene", "foa", "space.chance_deg"] == 90
    for layout in ("foa", "5.1", "binaural"):
        assert found["one.scene", layout, "space.distance_rank"] == pytest.approx(1.0)
        assert found["one.scene", layout, "space.side_rank"] == pytest.approx(1.0)
    assert {f.name for f in out.iterdir()} == {
        "index.html", "results.md", "results.csv", "space.png"
    }  # fmt: skip
    page = (out / "index.html").read_text()
    HTMLParser().feed(page)
    assert "low &lt;hum&gt;" in page and "<hum>" not in page
    with Image.open(out / "space.png") as picture:
        assert picture.width == 900


def test_a_renderer_that_turns_left_and_right_round_is_found_out(
    scene: Path, tmp_path: Path
) -> None:
    turned = tmp_path / "foa.wav"
    layout = layout_named("foa")
    sound = _rendered(scene, "foa")
    sound[1] *= -1
    write_wav(turned, [sound], layout=layout, rate_hz=RATE, subtype="float")
    right = tmp_path / "right-foa.wav"
    sound[1] *= -1
    write_wav(right, [sound], layout=layout, rate_hz=RATE, subtype="float")
    good = evaluate_scene(scene, sound=right).space[0]
    bad = evaluate_scene(scene, sound=turned).space[0]
    assert good.how == "in the mix" and good.worst_deg < 2 and good.side_rank == pytest.approx(1)
    assert bad.side_rank < -0.5
    errors = {s.id: s.error_deg for s in bad.sources}
    # Mirrored at azimuth a, the angle between is 2a, the short way round.
    assert errors["mid"] == pytest.approx(40, abs=2)
    assert errors["low"] == pytest.approx(120, abs=2)
    assert errors["high"] == pytest.approx(140, abs=2)


def _rendered(scene: Path, layout: str) -> np.ndarray:
    from earwitness.verbs.heard import Heard

    return Heard.open(scene).render(layout, loudness_lufs=None).sound.samples.copy()


def test_the_guided_protocol_needs_a_picture_alone(scene: Path, tmp_path: Path) -> None:
    picture = tmp_path / "grey.png"
    Image.fromarray(np.full((120, 160, 3), 90, np.uint8)).save(picture)
    figures = evaluate_scene(scene, layouts=("foa",), picture=picture)
    assert figures.guide == "builtin" and figures.guided is not None
    assert figures.guided.mended is not None and 0 < figures.guided.mended.overall <= 1


def test_a_set_of_scenes_is_one_table(scene: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    for name in ("a.scene", "b.scene"):
        shutil.copytree(scene, folder / name)
    figures = evaluate_set(folder, layouts=("foa",))
    assert [s.name for s in figures.scenes] == ["a.scene", "b.scene"]
    assert len(figures.space[0].sources) == 6 and figures.space[0].worst_deg < 2


def test_a_set_of_sounds_is_paired_by_name(tmp_path: Path) -> None:
    for folder, factor in (("made", 0.5), ("given", 1.0)):
        (tmp_path / folder).mkdir()
        for i in range(2):
            wave = factor * _band(200, 4000, i)
            soundfile.write(str(tmp_path / folder / f"{i}.wav"), wave, RATE, subtype="FLOAT")
    out = tmp_path / "out.csv"
    code = main(["evaluate", "set", str(tmp_path / "made"), "--against", str(tmp_path / "given"),
                 "-o", str(out), "-q"])  # fmt: skip
    found = _figures(out)
    assert code == 0
    assert found["0.wav", "", "mended.level_db"] == pytest.approx(-6.02, abs=0.05)
    assert found["0.wav", "", "mended.timbre"] == pytest.approx(1, abs=1e-3)
    assert found["0.wav", "", "table1.zcr"] == pytest.approx(1)
    assert found["made", "", "Fréchet distance (builtin-mfcc26)"] > 0
    (tmp_path / "given" / "2.wav").write_bytes((tmp_path / "given" / "1.wav").read_bytes())
    with pytest.raises(EarwitnessError, match="numbers must agree"):
        evaluate_set(tmp_path / "made", against=tmp_path / "given")


def test_equal_files_score_perfect_but_in_the_paper_s_own_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "b.wav"):
        soundfile.write(str(tmp_path / name), _band(200, 4000, 7), RATE)
    assert main(["evaluate", "acoustics", str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]) == 0
    told = capsys.readouterr().out
    assert "0.8000" in told and "mended" in told


BAD = {
    "no file": (["acoustics", "nowhere.wav", "nowhere.wav"], "does not exist"),
    "no sound": (["acoustics", "text.wav", "text.wav"], "cannot be read as a sound"),
    "no scene": (["scene", "."], "holds no scene.json"),
    "not voiced": (["scene", "mute.scene"], "is not voiced"),
    "no set": (["set", "text.wav"], "is no folder"),
    "empty set": (["set", "empty"], "holds no scene folders"),
    "no sounds": (["set", "empty", "--against", "empty"], "holds no sound files"),
    "no guide": (["scene", "good.scene", "--picture", "p.png", "--guide", "x"], "no guide"),
    "no avitar": (["scene", "good.scene", "--picture", "p.png", "--guide", "avitar"], "vam"),
    "no layout": (["scene", "good.scene", "-l", "9.9"], "no layout"),
    "wrong renderer": (["scene", "good.scene", "-l", "foa", "--renderer", "panning"], "cannot"),
    "half a clip": (["scene", "good.scene", "--clip", "empty"], "together"),
    "in the way": (["scene", "good.scene", "-l", "foa", "-o", "good.scene"], "no page of results"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line(
    case: str,
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.wav").write_text("no sound")
    Path("empty").mkdir()
    Image.new("RGB", (64, 48)).save("p.png")
    shutil.copytree(scene, "good.scene")
    shutil.copytree(scene, "mute.scene")
    table = json.loads(Path("mute.scene/scene.json").read_text())
    table["sources"][0]["stem"] = None
    Path("mute.scene/scene.json").write_text(json.dumps(table))
    words, message = BAD[case]
    assert main(["evaluate", *words]) == 1
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and "Traceback" not in told


@pytest.mark.parametrize(
    ("name", "channels", "layout"),
    [("x.wav", 1, "mono"), ("x.wav", 2, "stereo"), ("street-binaural.wav", 2, "binaural"),
     ("x.wav", 4, "foa"), ("5.1.wav", 6, "5.1"), ("x.wav", 8, "7.1"), ("x.wav", 12, "7.1.4"),
     ("x.wav", 16, "hoa3"), ("5.1.wav", 2, "stereo")],
)  # fmt: skip
def test_the_layout_of_a_file_is_told_by_its_name_or_its_channels(
    tmp_path: Path, name: str, channels: int, layout: str
) -> None:
    file = tmp_path / name
    soundfile.write(str(file), np.full((800, channels), 0.1), 8000)
    assert read_sound(file).channels.title == layout


def test_quad_and_ambisonics_differ_by_the_mask(tmp_path: Path) -> None:
    for title in ("quad", "foa"):
        file = tmp_path / f"{title}x.wav"
        write_wav(file, [np.zeros((4, 100))], layout=layout_named(title), rate_hz=8000)
        assert layout_of(file, 4).title == title
    with pytest.raises(EarwitnessError, match="which no layout has"):
        layout_of(tmp_path / "quadx.wav", 5)

"""What holds for every renderer, and for panning and ambisonics in particular."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scenes import RATE, channels, energy_db, noise, source

from earwitness.errors import LayoutError, SceneError
from earwitness.scene import Bed, Listener, Scene, layout_named
from earwitness.scene.frame import angle_between_deg, xyz
from earwitness.space.ambisonics import AmbisonicsRenderer
from earwitness.space.binaural import BinauralRenderer
from earwitness.space.contract import BLOCK
from earwitness.space.panning import PanningRenderer
from earwitness.space.propagation import PropagationRenderer

EVERY = [
    (PanningRenderer, "5.1"),
    (PanningRenderer, "7.1.4"),
    (PanningRenderer, "mono"),
    (PropagationRenderer, "5.1"),
    (AmbisonicsRenderer, "hoa3"),
    (BinauralRenderer, "binaural"),
]
ROWS = ((0.0, 5.0, -10.0, 0.5), (1.0, 5.0, 10.0, 0.5))
ABOUT = {"ids": lambda value: getattr(value, "__name__", str(value))}


def everything(duration_s: float = 1.0, seed: int = 0) -> Scene:
    return Scene(
        (
            source("still", 3, 2, 0.5),
            source("moving", positions=ROWS),
            source("wide", 4, -1, 0, kind="area", spread_deg=150),
            source("wandering", positions=ROWS, kind="area", spread_deg=90),
        ),
        (Bed("bed", "wind", "wind", level_db=70),),
        duration_s=duration_s,
        seed=seed,
    )


def sounds(scene: Scene, seconds: float = 2.0) -> dict[str, np.ndarray]:
    names = [item.id for item in (*scene.sources, *scene.bed)]
    return {name: noise(round(seconds * RATE), i) for i, name in enumerate(names)}


@pytest.mark.parametrize(("kind", "layout"), EVERY, **ABOUT)
class TestEveryRenderer:
    def test_silence_within_stems_changes_nothing_of_what_sounds(self, kind, layout):
        scene = everything(4.0)
        made = {name: np.zeros(4 * RATE, np.float32) for name in sounds(scene)}
        for number, sound in enumerate(made.values()):  # each sounds twice, by itself
            for first in (round((0.3 + 0.3 * number) * RATE), round((2.2 + 0.3 * number) * RATE)):
                sound[first : first + RATE // 8] = noise(RATE // 8, number)
        # So faint that it is not heard, but it is not silence: nothing is passed over.
        never_silent = {name: sound + np.float32(1e-10) for name, sound in made.items()}
        found = channels(kind(), scene, made, layout)
        assert np.abs(found).max() > 1e-3
        np.testing.assert_allclose(
            found, channels(kind(), scene, never_silent, layout), rtol=0, atol=2e-7
        )

    def test_blocks_add_up_to_the_duration(self, kind, layout):
        scene = everything(0.3)
        stems = {name: _Counted(sound) for name, sound in sounds(scene).items()}
        blocks = list(kind().render(scene, stems, layout=layout_named(layout), rate_hz=RATE))
        assert sum(block.shape[1] for block in blocks) == round(0.3 * RATE)
        assert all(block.shape[1] <= BLOCK and block.dtype == np.float32 for block in blocks)
        assert {len(block) for block in blocks} == {len(layout_named(layout).channels)}

    def test_twice_is_the_same_and_the_transform_does_not_matter(self, kind, layout):
        scene = everything()
        once = channels(kind(), scene, sounds(scene), layout)
        again = channels(kind(), scene, sounds(scene), layout)
        np.testing.assert_array_equal(once, again)
        other = channels(kind(transform=65536), scene, sounds(scene), layout)
        assert np.abs(once - other).max() < 1e-6 * np.abs(once).max() + 1e-7

    def test_the_seed_changes_what_is_decorrelated(self, kind, layout):
        if layout == "mono":
            pytest.skip("of one loudspeaker nothing can be decorrelated audibly")
        one, other = everything(seed=1), everything(seed=2)
        assert not np.array_equal(
            channels(kind(), one, sounds(one), layout), channels(kind(), other, sounds(one), layout)
        )

    @pytest.mark.parametrize("length", [0, 1, 100])
    def test_short_stems_and_one_sample_scenes(self, kind, layout, length):
        scene = everything(0.001)
        stems = sounds(scene, length / RATE)
        found = channels(kind(), scene, stems, layout)
        assert found.shape[1] == 48
        assert np.isfinite(found).all()
        if length == 0:
            assert not found.any()

    def test_memory_does_not_grow_with_duration(self, kind, layout):
        if layout in ("mono", "7.1.4"):
            pytest.skip("as 5.1")

        def peak(duration_s: float) -> int:
            scene = Scene(
                (source("a", 3, 2, 0), source("b", positions=ROWS)), duration_s=duration_s
            )
            stems = {"a": _Endless(), "b": _Endless()}
            tracemalloc.start()
            for _ in kind().render(scene, stems, layout=layout_named(layout), rate_hz=RATE):
                pass
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        peak(0.1)  # fills what is kept between renders
        assert peak(8.0) < 1.1 * peak(2.0)

    def test_nothing_makes_silence(self, kind, layout):
        found = channels(kind(), Scene(duration_s=0.5), {}, layout)
        assert found.shape[1] == RATE // 2
        assert not found.any()

    def test_a_source_at_the_listener_or_very_far_is_no_trouble(self, kind, layout):
        scene = Scene(
            (
                source("here", 0, 0, 0),
                source("through", positions=((0, -3, 0, 0), (0.4, 3, 0, 0))),
                source("far", 1e6, 0, 0),
                source("below", 0, 0, -5),
            ),
            duration_s=0.4,
        )
        found = channels(kind(), scene, sounds(scene), layout)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 1.0

    def test_what_barely_moves_sounds_like_what_stands(self, kind, layout):
        stems = {"a": noise(RATE, top_hz=16000)}
        still = Scene((source("a", 12, 5, 1),), duration_s=0.5)
        rows = ((0, 12, 5, 1), (1000, 12, 5 + 1e-4, 1))
        moving = Scene((source("a", positions=rows),), duration_s=0.5)
        one = channels(kind(), still, stems, layout)[:, 2000:]
        other = channels(kind(), moving, stems, layout)[:, 2000:]
        assert energy_db(one - other) < energy_db(one) - 50

    def test_twice_as_far_is_6_db_less(self, kind, layout):
        if kind is PropagationRenderer:
            pytest.skip("there distances are to each loudspeaker")
        stems = {"a": noise(RATE // 2, top_hz=1000)}
        near = Scene((source("a", 4, 2, 0),), duration_s=0.5)
        far = Scene((source("a", 8, 4, 0),), duration_s=0.5)
        less = energy_db(channels(kind(), near, stems, layout)) - energy_db(
            channels(kind(), far, stems, layout)
        )
        assert less == pytest.approx(6.02, abs=0.05)

    def test_a_wide_source_keeps_its_power(self, kind, layout):
        # For the mean over directions; a head and a pair of loudspeakers are not equally loud
        # from all sides, nor are loudspeakers that hear.
        if layout in ("binaural", "mono") or kind is PropagationRenderer:
            pytest.skip("its power depends on the direction")
        stems = {"a": noise(RATE * 2)}
        lfe = list(layout_named(layout).lfe)
        point = channels(kind(), Scene((source("a", 3, 1, 0),), duration_s=2), stems, layout)
        for spread in (20, 60, 120, 250, 360):
            wide = Scene((source("a", 3, 1, 0, kind="area", spread_deg=spread),), duration_s=2)
            found = np.delete(channels(kind(), wide, stems, layout), lfe, axis=0)
            weights = _energy_weights(layout)
            assert energy_db(weights * found) == pytest.approx(
                energy_db(weights * np.delete(point, lfe, axis=0)), abs=0.5
            )

    def test_a_missing_stem_is_told(self, kind, layout):
        scene = Scene((source("a", 1, 0, 0),))
        with pytest.raises(SceneError, match=r"sources\[0\]\.stem"):
            channels(kind(), scene, {}, layout)

    def test_other_layouts_are_refused(self, kind, layout):
        for other in ("5.1", "foa", "binaural"):
            if kind().lays_out(layout_named(other)):
                continue
            with pytest.raises(LayoutError, match="cannot make"):
                channels(kind(), Scene(), {}, other)

    def test_the_turned_head_is_the_turned_world(self, kind, layout):
        stems = {"a": noise(RATE // 4)}
        turned = Scene((source("a", 0, 3, 0),), duration_s=0.2, listener=Listener(yaw_deg=90))
        ahead = Scene((source("a", 3, 0, 0),), duration_s=0.2)
        np.testing.assert_allclose(
            channels(kind(), turned, stems, layout),
            channels(kind(), ahead, stems, layout),
            atol=1e-6,
        )

    def test_the_mirrored_world_sounds_from_swapped_sides(self, kind, layout):
        rows = ((0.0, 5.0, -10.0, 0.5), (0.4, 5.0, 2.0, 0.5))
        mirrored = tuple((t, x, -y, z) for t, x, y, z in rows)
        stems = {"a": noise(RATE), "b": noise(RATE, 1)}
        one = Scene((source("a", 2, 1, 0.3), source("b", positions=rows)), duration_s=0.4)
        other = Scene((source("a", 2, -1, 0.3), source("b", positions=mirrored)), duration_s=0.4)
        first = channels(kind(), one, stems, layout)
        second = channels(kind(), other, stems, layout)
        order, sign = _mirror(layout)
        np.testing.assert_allclose(first[order] * sign[:, None], second, atol=2e-7)


class _Endless:
    def read(self, count):
        return np.full(count, 0.01, np.float32)


class _Counted:
    def __init__(self, samples):
        self.samples, self.read_to = samples, 0

    def read(self, count):
        part = self.samples[self.read_to : self.read_to + count]
        self.read_to += len(part)
        return part


def _energy_weights(layout: str) -> np.ndarray:
    """Ambisonic channels of order n count (2n + 1), so that a plane wave counts alike always."""
    made = layout_named(layout)
    if made.kind == "ambisonics":
        order = np.floor(np.sqrt(np.arange(len(made.channels))))
        return np.sqrt(2 * order + 1)[:, None]
    return np.ones((len(made.channels) - len(made.lfe), 1))


def _mirror(layout: str) -> tuple[list[int], np.ndarray]:
    """Which channel becomes which, and with which sign, when left and right are swapped."""
    made = layout_named(layout)
    if made.kind == "ambisonics":
        acn = np.arange(len(made.channels))
        degree = acn - np.floor(np.sqrt(acn)) * (np.floor(np.sqrt(acn)) + 1)
        return list(acn), np.where(degree < 0, -1.0, 1.0)
    places = [(c.azimuth_deg if not c.lfe else 0.0, c.elevation_deg, c.lfe) for c in made.channels]
    return [places.index((-a, e, lfe)) for a, e, lfe in places], np.ones(len(places))


@pytest.mark.parametrize("layout", ["stereo", "quad", "5.1", "7.1", "5.1.4", "7.1.4"])
def test_a_source_at_a_loudspeaker_sounds_from_it_alone(layout):
    made = layout_named(layout)
    stems = {"a": noise(RATE // 4)}
    for i, channel in enumerate(made.channels):
        if channel.lfe:
            continue
        place = xyz(channel.azimuth_deg, channel.elevation_deg, 2.0)
        found = channels(
            PanningRenderer(), Scene((source("a", *place),), duration_s=0.2), stems, layout
        )
        others = np.delete(found, [i, *made.lfe], axis=0)
        assert np.abs(others).max(initial=0.0) < 1e-5 * np.abs(found[i]).max()


def test_a_nominal_stem_of_90_db_at_1_m_comes_out_as_it_is():
    sound = noise(RATE // 4, top_hz=2000)
    found = channels(
        PanningRenderer(), Scene((source("a", 1, 0, 0),), duration_s=0.25), {"a": sound}, "5.1"
    )
    np.testing.assert_allclose(found[2], sound, atol=1e-4)


def test_lfe_holds_nothing_but_lows():
    # Faded, so that the end of the render does not cut through it and spill into all bands.
    sound = np.append(noise(RATE * 2) * np.hanning(RATE * 2), np.zeros(RATE))
    found = channels(
        PanningRenderer(), Scene((source("a", 1, 0, 0),), duration_s=3), {"a": sound}, "5.1"
    )
    frequency = np.fft.rfftfreq(found.shape[1], 1 / RATE)
    ratio = np.abs(np.fft.rfft(found[3])) ** 2 / np.abs(np.fft.rfft(sound)) ** 2

    def level_db(low, high):
        return 10 * np.log10(np.median(ratio[(frequency > low) & (frequency < high)]))

    assert level_db(20, 80) == pytest.approx(-10, abs=0.5)
    assert level_db(115, 125) == pytest.approx(-16, abs=1)
    assert level_db(1000, 1200) < -80
    assert level_db(5000, 20000) < -90


def test_the_intensity_vector_points_at_the_source():
    rng = np.random.default_rng(7)
    places = rng.normal(size=(500, 3)) * 4
    made = 600
    sound = noise(made)
    worst = 0.0
    # A scene of 500 sources that sound one after the other costs one render.
    for first in range(0, 500, 50):
        part = places[first : first + 50]
        stems = {}
        for i in range(50):
            stems[f"s{i}"] = np.zeros((i + 1) * 2 * made, np.float32)
            stems[f"s{i}"][i * 2 * made : i * 2 * made + made] = sound
        scene = Scene(
            tuple(source(f"s{i}", *place) for i, place in enumerate(part)),
            duration_s=100 * made / RATE,
        )
        found = channels(AmbisonicsRenderer(), scene, stems, "foa").reshape(4, 50, 2 * made)
        w, y, z, x = found[:, :, 200:-700]
        intensity = np.stack([(w * x).sum(1), (w * y).sum(1), (w * z).sum(1)], axis=1)
        worst = max(worst, float(angle_between_deg(intensity, part).max()))
    assert worst < 1.0


def test_an_ambisonic_bed_is_a_diffuse_field():
    scene = Scene((), (Bed("bed", "wind", "wind", level_db=90),), duration_s=4)
    sound = noise(RATE * 4)
    found = channels(AmbisonicsRenderer(), scene, {"bed": sound}, "hoa3")
    power = np.mean(found**2, axis=1) / np.mean(sound**2)
    for order in range(4):
        group = power[order**2 : (order + 1) ** 2]
        assert 10 * np.log10(group.mean() * (2 * order + 1)) == pytest.approx(0, abs=1.0)


@pytest.mark.parametrize("layout", ["stereo", "5.1", "7.1.4"])
def test_a_bed_sounds_alike_and_unlike_from_every_loudspeaker(layout):
    made = layout_named(layout)
    scene = Scene((), (Bed("bed", "wind", "wind", level_db=90),), duration_s=4)
    sound = noise(RATE * 4)
    found = np.delete(
        channels(PanningRenderer(), scene, {"bed": sound}, layout), list(made.lfe), axis=0
    )
    level = 10 * np.log10(np.mean(found**2, axis=1))
    assert np.ptp(level) < 0.3
    assert energy_db(found) == pytest.approx(energy_db(sound), abs=0.3)
    likeness = np.corrcoef(found) - np.eye(len(found))
    assert np.abs(likeness).max() < 0.2

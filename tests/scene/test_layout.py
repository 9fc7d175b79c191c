"""Layouts: names, file order, masks."""

import pytest

from earwitness.errors import LayoutError
from earwitness.scene import layout_named, layouts
from earwitness.scene.layout import HIGHEST_ORDER

SPEAKERS = [layout for layout in layouts() if layout.kind == "loudspeakers"]

# The bit of each loudspeaker in dwChannelMask (Microsoft, "Multiple channel audio data").
BITS = {
    "FL": 0, "FR": 1, "FC": 2, "LFE": 3, "BL": 4, "BR": 5, "SL": 9, "SR": 10,
    "TFL": 12, "TFR": 14, "TBL": 15, "TBR": 17,
}  # fmt: skip


@pytest.mark.parametrize("layout", SPEAKERS, ids=lambda layout: layout.title)
def test_the_mask_names_the_channels_in_file_order(layout):
    bits = [BITS[channel.short] for channel in layout.channels]
    assert bits == sorted(bits)
    assert sum(1 << bit for bit in bits) == layout.mask


@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.title)
def test_every_name_finds_its_layout(layout):
    for name in (layout.name, layout.title, *layout.aliases, layout.name.upper()):
        assert layout_named(name) is layout


@pytest.mark.parametrize("layout", SPEAKERS, ids=lambda layout: layout.title)
def test_layouts_are_symmetric(layout):
    places = {(c.azimuth_deg, c.elevation_deg) for c in layout.channels if not c.lfe}
    assert places == {(-a if a else a, e) for a, e in places}


@pytest.mark.parametrize(
    ("name", "mask"), [("5.1", 0x3F), ("7.1", 0x63F), ("7.1.4", 0x2D63F), ("quad", 0x33)]
)
def test_masks_are_those_of_ffmpeg(name, mask):
    assert layout_named(name).mask == mask


@pytest.mark.parametrize("order", range(1, HIGHEST_ORDER + 1))
def test_ambisonics_of_an_order_has_its_channels(order):
    layout = layout_named("foa" if order == 1 else f"hoa{order}")
    assert (len(layout.channels), layout.order, layout.mask) == ((order + 1) ** 2, order, 0)


@pytest.mark.parametrize("name", ["", "5.2", "hoa8", "surround", "0+5+1"])
def test_an_unknown_layout_is_told_with_those_that_exist(name):
    with pytest.raises(LayoutError, match=r"choose one of mono, stereo.*binaural"):
        layout_named(name)

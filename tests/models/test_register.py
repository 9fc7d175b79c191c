"""The table of weights."""

from __future__ import annotations

from importlib.resources import files

import pytest

from earwitness.errors import OptionError, WeightsError
from earwitness.models.register import entry_named, parse, register

GOOD = """
[small]
role = "depth"
title = "A small one"
hub = "someone/small"
revision = ""
kind = "transformers"
identity = "tiny"
licence = "Apache-2.0"
commercial = "yes"
size_mb = 3
files = ["*.json", "*.safetensors"]
note = ""
"""


def test_every_model_of_the_papers_and_beyond_has_its_entry():
    names = set(register())
    assert names >= {
        "sam-vit-huge", "sam-vit-base", "sam2-tiny", "mask2former", "depth-anything-v1",
        "depth-anything-v2", "depth-anything-v2-base", "depth-anything-v2-large",
        "depth-anything-v2-metric-outdoor", "clip", "siglip", "blip", "smolvlm", "llava", "codi",
        "audioldm2", "stable-audio", "tangoflux", "clap", "wav2clip", "flan-t5-large", "sat2sound",
    }  # fmt: skip
    text = files("earwitness.models").joinpath("register.toml").read_text("utf-8")
    assert text.isascii()


def test_a_licence_that_does_not_allow_everything_is_said():
    for entry in register().values():
        assert bool(entry.warning) == (entry.commercial != "yes")
        if "NC" in entry.licence or "non-commercial" in entry.licence:
            assert entry.commercial == "no"
            assert "forbids commercial use" in entry.warning


def test_a_name_that_is_not_there_gets_its_neighbours():
    with pytest.raises(OptionError, match=r"'depth-anything-v3'.*depth-anything-v2"):
        entry_named("depth-anything-v3")


def test_a_good_table_is_read():
    entry = parse(GOOD)["small"]
    assert (entry.name, entry.files, entry.warning) == ("small", ("*.json", "*.safetensors"), "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Apache-2.0"', '""', "licence"),
        ('"yes"', '"perhaps"', "commercial holds 'perhaps'"),
        ('revision = ""', 'revision = "main"', "40 hexadecimal digits"),
        ('"someone/small"', '"small"', "owner/name"),
        ("size_mb = 3", "size_mb = 0", "size_mb"),
        ("size_mb = 3", "size_mb = true", "size_mb"),
        ('["*.json", "*.safetensors"]', "[]", "files"),
        ('kind = "transformers"', 'kind = "magic"', "kind holds 'magic'"),
        ('note = ""', "", "fields"),
        ("[small]", "[Small]", "name"),
        ("[small]", "[small", "no TOML"),
        ('role = "depth"', "role = 3", "role holds 3"),
    ],
)
def test_a_wrong_table_is_refused_with_its_field(old, new, message):
    with pytest.raises(WeightsError, match=message):
        parse(GOOD.replace(old, new))

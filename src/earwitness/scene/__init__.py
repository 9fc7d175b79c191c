"""The scene: values that every other room reads or makes. It imports numpy alone."""

from earwitness.scene.codec import SCHEMA, from_json, to_json
from earwitness.scene.concepts import FREE, UNNAMED, Concept, concepts
from earwitness.scene.layout import Channel, Layout, layout_named, layouts
from earwitness.scene.scene import LARGEST_SEED, LONGEST_S, MOST_SOURCES, Air, Listener, Scene
from earwitness.scene.sound import Sound
from earwitness.scene.source import Bed, Credit, Region, Source

__all__ = [
    "FREE",
    "LARGEST_SEED",
    "LONGEST_S",
    "MOST_SOURCES",
    "SCHEMA",
    "UNNAMED",
    "Air",
    "Bed",
    "Channel",
    "Concept",
    "Credit",
    "Layout",
    "Listener",
    "Region",
    "Scene",
    "Sound",
    "Source",
    "concepts",
    "from_json",
    "layout_named",
    "layouts",
    "to_json",
]

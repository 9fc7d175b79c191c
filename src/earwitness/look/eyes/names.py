"""The names of the classes: the 80 things of COCO and the 1000 classes of ImageNet."""

from __future__ import annotations

from importlib.resources import files


def _lines(name: str, count: int) -> tuple[str, ...]:
    """Read a list of names, one a line, and check how many there are."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(found) != count:
        raise RuntimeError(f"{name} holds {len(found)} names; {count} were expected")
    return found


COCO_CLASSES: tuple[str, ...] = _lines("coco.txt", 80)
"""What `detect` can find, in the order of the networks' outputs."""

IMAGENET_CLASSES: tuple[str, ...] = _lines("imagenet.txt", 1000)
"""What `classify` tells apart (ILSVRC 2012): each a synonym set, "tench, Tinca tinca".

Go by index, not by name: "crane" and "drumstick" stand for two classes each.
"""

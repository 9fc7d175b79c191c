"""A scene in words, for people who cannot see the picture."""

from __future__ import annotations

from earwitness.scene import frame
from earwitness.scene.scene import Scene
from earwitness.scene.source import Source

_NUMBERS = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def distance_in_words(distance_m: float) -> str:
    """Return a distance as a person would say it.

    Parameters
    ----------
    distance_m
        Metres.

    Examples
    --------
    >>> distance_in_words(0.8), distance_in_words(4.2), distance_in_words(137)
    ('within reach', 'four metres away', '140 metres away')
    >>> distance_in_words(2400)
    '2.4 kilometres away'
    """
    if distance_m < 1.0:
        return "within reach"
    if distance_m < 1.5:
        return "a metre away"
    if distance_m < 12.5:
        return f"{_NUMBERS[round(distance_m) - 1]} metres away"
    if distance_m < 950:
        step = 5 if distance_m < 100 else 10 if distance_m < 200 else 50
        return f"{round(distance_m / step) * step} metres away"
    return f"{distance_m / 1000:.2g} kilometres away"


def source_in_words(source: Source) -> str:
    """Return one source as a phrase: what, where, how far.

    Examples
    --------
    >>> dog = Source("dog-1", "a dog barking", "dog", positions=((0, 3.5, 2.0, 0),))
    >>> source_in_words(dog)
    'a dog barking ahead to the left, four metres away'
    """
    where = frame.in_words(source.azimuth_deg, source.elevation_deg)
    if source.kind == "area" and source.spread_deg >= 300:
        where = "all around"
    elif source.kind == "area" and source.spread_deg >= 100:
        where = f"stretching far across, {where}"
    words = f"{source.name} {where}, {distance_in_words(source.distance_m)}"
    if source.moves:
        first, last = source.trajectory[0, 1:], source.trajectory[-1, 1:]
        to = frame.in_words(*(float(v) for v in frame.angles(last)[:2]))
        if to != frame.in_words(*(float(v) for v in frame.angles(first)[:2])):
            words += f", moving until it is {to}"
    return words


def scene_in_words(scene: Scene) -> str:
    """Return a scene as one or more sentences.

    Examples
    --------
    >>> scene_in_words(Scene())
    'Nothing is heard.'
    """
    parts = [source_in_words(source) for source in scene.sources]
    if scene.bed:
        parts.append("all around: " + " and ".join(bed.name for bed in scene.bed))
    if not parts:
        return "Nothing is heard."
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + "."

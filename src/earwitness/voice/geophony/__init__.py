"""Sounds of the earth: wind, rain, thunder, the sea, running water, ice, fire, falling rock."""

from earwitness.voice.geophony import earth, fire, ice, rain, sea, thunder, water, wind

__all__ = ["earth", "fire", "ice", "rain", "sea", "thunder", "water", "wind"]

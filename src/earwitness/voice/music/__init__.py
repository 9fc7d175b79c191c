"""Instruments, each playing something simple of its own."""

from earwitness.voice.music import blown, bowed, choir, drums, plucked, reeds, struck

__all__ = ["blown", "bowed", "choir", "drums", "plucked", "reeds", "struck"]

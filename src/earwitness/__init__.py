"""earwitness: hear what you see."""

__version__ = "0.1.0"

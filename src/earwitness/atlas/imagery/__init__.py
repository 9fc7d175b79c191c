"""Imagery of a place from many sources, always in one form: north up, the listener in the middle."""

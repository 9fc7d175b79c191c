"""Imagery of a place from many sources, in one form: north up, the listener in the middle."""

"""Satellite imagery and sound in one space: places heard, sounds placed, both found by words.

Nothing here needs PyTorch to be imported; the modules that do live in
:mod:`earwitness.atlas.sat2sound` and come with the extra ``[train]``.
"""

"""Figures: how alike two sounds are, where things are heard, how well sound fits picture."""

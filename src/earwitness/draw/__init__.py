"""Pictures of what was heard, drawn with Pillow."""

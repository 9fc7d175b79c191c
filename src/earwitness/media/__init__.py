"""Pictures, clips and sounds: files in, values out, and back."""

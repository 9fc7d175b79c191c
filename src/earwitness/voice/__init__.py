"""Words → mono sound."""

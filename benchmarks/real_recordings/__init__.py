"""Trained on our sounds alone, tested on real recordings."""

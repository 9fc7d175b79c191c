"""Scene → channels: panning, propagation, ambisonics, binaural, loudness."""

"""What covers the ground in a picture from above: a small model, and where each kind lies."""

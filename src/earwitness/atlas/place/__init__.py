"""A place becomes a scene: what lies where around the listener, and what of it sounds when."""

"""Picture → scene: regions, names, directions and distances."""

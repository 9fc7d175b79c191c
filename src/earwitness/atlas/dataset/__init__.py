"""Data sets of places, sounds and words: from Parquet, tar shards, CSV or the hub, and checked.

NumPy, Pillow and soundfile alone, but for Parquet (pyarrow) and :mod:`~.batches` (PyTorch).
"""

from earwitness.atlas.dataset.pairs import Pairs, open_pairs
from earwitness.atlas.dataset.reading import BadRowError, Pair
from earwitness.atlas.dataset.rows import DatasetError, Row

__all__ = ["BadRowError", "DatasetError", "Pair", "Pairs", "Row", "open_pairs"]

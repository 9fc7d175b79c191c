"""A gallery: captions, recordings and the embeddings of places, in a LanceDB folder.

A folder on disk or on object storage (``s3://…``); nothing runs beside it. Tables:

``captions``
    words, with where they come from.
``recordings``
    sounds as they came (encoded bytes), with place, date, author and licence where known.
``cells_…``
    embeddings of the images of a lattice of places, one table for each layer (imagery, embedder,
    month, hour, step).
"""

from earwitness.atlas.gallery.layers import Layer, LayerTable
from earwitness.atlas.gallery.search import Found
from earwitness.atlas.gallery.shelves import Caption, Recording
from earwitness.atlas.gallery.store import Gallery, default_gallery

__all__ = ["Caption", "Found", "Gallery", "Layer", "LayerTable", "Recording", "default_gallery"]

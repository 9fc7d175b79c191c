"""Soundscape maps: where on Earth this would be heard.

A region is a grid of cells (:mod:`~earwitness.atlas.maps.grid`); the image of each cell becomes an
embedding (:mod:`~earwitness.atlas.maps.work`), made by processes or by a Ray cluster
(:mod:`~earwitness.atlas.maps.engines`) and kept in a gallery
(:mod:`~earwitness.atlas.maps.layers`); a query is one product with what is kept
(:mod:`~earwitness.atlas.maps.scoring`). The others write the answer: a raster, H3 cells, a page.
"""

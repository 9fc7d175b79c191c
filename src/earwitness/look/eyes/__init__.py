"""The built-in eyes: small networks that find, name and sort what is in a picture.

==================  ===================================================================
`detect`            the 80 things of COCO, each with its box
`stuff`             sky, water, grass, trees, … for every cell of a grid over the picture
`classify`          the 1000 classes of ImageNet for one crop
`features`          dense features, for tracking and for parts of your own
==================  ===================================================================

All take pixels as uint8 (height, width, 3), RGB. Nothing is loaded when this is imported: each
network is read at its first use. Where the weights come from, what they get right and what they
miss is told in ``docs/models/look.md``.
"""

from earwitness.look.eyes.detection import Detection, detect
from earwitness.look.eyes.names import COCO_CLASSES, IMAGENET_CLASSES
from earwitness.look.eyes.recognition import Features, classify, features
from earwitness.look.eyes.stuff import Stuff, stuff

__all__ = [
    "COCO_CLASSES",
    "IMAGENET_CLASSES",
    "Detection",
    "Features",
    "Stuff",
    "classify",
    "detect",
    "features",
    "stuff",
]

"""Animals: sounding models of the concepts of the family *biophony*.

Importing the package registers them all in :data:`earwitness.voice.model.MODELS`.
"""

from earwitness.voice.biophony import (
    birds,
    farm,
    frogs,
    habitats,
    horse,
    insects,
    marine,
    pets,
    poultry,
    small,
    songbirds,
    wild,
)

__all__ = [
    "birds",
    "farm",
    "frogs",
    "habitats",
    "horse",
    "insects",
    "marine",
    "pets",
    "poultry",
    "small",
    "songbirds",
    "wild",
]

"""People and what they make: voices, feet, engines, wheels, tools, bells.

Importing this package registers a model for every concept of the family.
"""

from earwitness.voice.anthropophony import (
    airflow,
    bells,
    blasts,
    boats,
    body,
    flight,
    home,
    household,
    many,
    people,
    rails,
    road,
    signals,
    steps,
    vehicles,
    works,
)

__all__ = [
    "airflow",
    "bells",
    "blasts",
    "boats",
    "body",
    "flight",
    "home",
    "household",
    "many",
    "people",
    "rails",
    "road",
    "signals",
    "steps",
    "vehicles",
    "works",
]

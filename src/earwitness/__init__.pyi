from earwitness.errors import EarwitnessError as EarwitnessError
from earwitness.scene import Bed as Bed
from earwitness.scene import Scene as Scene
from earwitness.scene import Sound as Sound
from earwitness.scene import Source as Source
from earwitness.verbs.finding import find_places as find_places
from earwitness.verbs.finding import hear_at as hear_at
from earwitness.verbs.heard import Heard as Heard
from earwitness.verbs.listening import listen as listen
from earwitness.verbs.mapping import map_region as map_region
from earwitness.verbs.rendering import render as render
from earwitness.verbs.visiting import visit as visit

__version__: str

"""``visit``: a place on Earth becomes a scene that can be heard."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earwitness import __version__
from earwitness.atlas.gazetteer import (
    distance_m,
    nearest_place,
    people_within,
    place_named,
    where_in_words,
)
from earwitness.atlas.imagery.contract import (
    SMALLEST_RADIUS_M,
    Imagery,
    TileSource,
    View,
    check_radius,
)
from earwitness.atlas.imagery.named import open_image, open_tiles
from earwitness.atlas.imagery.raster import PlainPicture, RasterFile, parse_bands
from earwitness.atlas.place.moment import Moment, day_of, moment
from earwitness.atlas.place.wishes import WEATHER, steered, time_in
from earwitness.draw.place import LevelRow, draw_place
from earwitness.errors import OptionError, PlaceError, PluginError
from earwitness.look.balance import balanced
from earwitness.media import check_replaceable, folder_beside, keep_previous, write_scene
from earwitness.models.settings import Settings
from earwitness.scene import LARGEST_SEED, LONGEST_S, Bed, Scene, Source, layout_named
from earwitness.verbs.heard import DEFAULT_RATE_HZ, Heard, check_rate, make_voice
from earwitness.verbs.progress import Progress, Shown, silent, unshown
from earwitness.verbs.rendering import ADM_FILE, write_adm, write_layouts
from earwitness.verbs.voicing import voice_scene
from earwitness.voice.phrases import Phrase, understand

if TYPE_CHECKING:
    from earwitness.atlas.place.coarse import Around

DEFAULT_LAYOUTS = ("5.1", "binaural")
FINE_RADIUS_M = 256.0
COARSE_PATCHES = 32
VERY_COARSE_M = 500.0
MARBLE_RADIUS_M = 80_000.0
MOST = 12

FETCHING: dict[str, Any] = {"tries": 4, "timeout_s": 10.0}
"""How patient the fetcher is, see :class:`~earwitness.atlas.fetching.Fetcher`."""

Where = tuple[float, float] | str


@dataclasses.dataclass(frozen=True)
class Options:
    """How to visit. Every default is what most people want.

    Parameters
    ----------
    duration_s
        Length of the scene, seconds.
    sources
        Most sources.
    prompt
        Words that steer what is heard: weather, time of day, season, things.
    seed
        What every random choice is drawn from.
    voice
        Who makes the sounds.
    rate_hz
        Sampling rate.
    heading_deg
        Where the listener looks, degrees clockwise from north.
    ground_m
        Metres per pixel of an ``image`` that does not say where it is.
    bands
        Red, green and blue of an ``image``, such as ``4,3,2``.
    embedder
        What tells concepts in coarse imagery: ``builtin`` or a checkpoint.
    models
        How a voice that is a foundation model is run.

    Raises
    ------
    OptionError
        If one is outside what is allowed.
    """

    duration_s: float = 10.0
    sources: int | None = None
    prompt: str | None = None
    seed: int = 0
    voice: str = "synth"
    rate_hz: int = DEFAULT_RATE_HZ
    heading_deg: float = 0.0
    ground_m: float | None = None
    bands: str | None = None
    embedder: str = "builtin"
    models: Settings = dataclasses.field(default_factory=Settings)

    def __post_init__(self) -> None:
        if not 0.1 <= self.duration_s <= LONGEST_S:
            raise OptionError(
                f"duration {self.duration_s:g} s; choose from 0.1 to {LONGEST_S:g} seconds"
            )
        if self.sources is not None and not 1 <= self.sources <= 64:
            raise OptionError(f"{self.sources} sources; choose from 1 to 64")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise OptionError(f"seed {self.seed}; choose a whole number from 0 to {LARGEST_SEED}")
        if not -360.0 <= self.heading_deg <= 360.0:
            raise OptionError(f"heading {self.heading_deg:g}; give 0 to 360 degrees from north")
        check_rate(self.rate_hz)
        parse_bands(self.bands)


@dataclasses.dataclass(frozen=True, eq=False)
class _Seen:
    """What was seen and what it sounds like, before wishes and balance."""

    imagery: Imagery
    heats: Mapping[str, NDArray[np.floating]]
    sources: tuple[Source, ...]
    beds: tuple[Bed, ...]
    how: str


def visit(
    where: Where | None = None,
    *,
    date: str | None = None,
    hour: float | None = None,
    tiles: str = "builtin",
    radius_m: float | None = None,
    image: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    layouts: Sequence[str] = DEFAULT_LAYOUTS,
    renderer: str | None = None,
    loudness_lufs: float | None = -23.0,
    adm: bool = False,
    allow_private: bool = False,
    progress: Progress = silent,
    shown: Shown = unshown,
    **options: Any,
) -> Heard:
    """Hear a place on Earth from where one would stand.

    Parameters
    ----------
    where
        Latitude and longitude in degrees, or a town's name. It may be left out with an ``image``:
        then it is the middle of it.
    date
        ISO date or month (``2026-05-14``, ``2026-05``); None is a day in spring.
    hour
        Local hour, 0 to 24; None is nine in the morning.
    tiles
        Where the imagery comes from, see :func:`~earwitness.atlas.imagery.named.open_tiles`.
    radius_m
        How far around, metres; None suits the imagery.
    image
        A local picture from above, in the place of tiles.
    out
        Folder to write: ``scene.json``, stems, a WAV for each layout, ``scene.png``. None writes
        nothing that stays.
    layouts, renderer, loudness_lufs, adm
        As in :func:`earwitness.listen`.
    allow_private
        Whether tiles may come from an address of the local network.
    progress
        Told of each stage.
    shown
        Called with the scene and the picture from above, before it is voiced.
    options
        As in :class:`Options`.

    Returns
    -------
    Heard
        The scene with its stems. North is its front unless ``heading_deg`` turns it.

    Raises
    ------
    EarwitnessError
        If the place, an option, the imagery or the output is wrong.

    Examples
    --------
    ``earwitness.visit("Lisbon", hour=6).render("5.1").write("lisbon.wav")``
    """
    chosen = Options(**options)
    wanted = tuple(dict.fromkeys(layout_named(name).name for name in layouts))
    voice = make_voice(chosen.voice, chosen.models)
    if out is not None:
        check_replaceable(Path(out))
    progress("finding the place", 0.0)
    source = _source(tiles, image, chosen)
    lat, lon, name = _place(where, source)
    asked = time_in(chosen.prompt or "", lat)
    day = date or asked.day
    at = moment(lat, day, hour if hour is not None else asked.hour)
    day = day_of(day).isoformat() if day is not None else None
    phrase = understand(asked.rest) if asked.rest else None
    progress("looking from above", 0.05)
    rng = np.random.default_rng(chosen.seed)
    fetcher = _fetcher(allow_private, image is None)
    seen = _see(source, (lat, lon), at, radius_m, day, fetcher, chosen, phrase, rng)
    scene = _scene(seen, (lat, lon, name), at, chosen, phrase, rng)
    shown(scene, seen.imagery.pixels)
    place = _Drawn(seen, scene, f"{name}: {at.words}", chosen.heading_deg)
    if out is None:
        keeper = tempfile.TemporaryDirectory(prefix="earwitness-")
        folder = Path(keeper.name)
        scene = voice_scene(scene, folder, voice, rate_hz=chosen.rate_hz, progress=progress)
        write_scene(folder, scene)
        return Heard(scene, folder, keeper)
    final = Path(out)
    with folder_beside(final) as made:
        keep_previous(final, made)
        scene = voice_scene(scene, made, voice, rate_hz=chosen.rate_hz, progress=progress)
        write_scene(made, scene)
        heard = Heard(scene, made)
        levels = write_layouts(
            heard, wanted, renderer=renderer, loudness_lufs=loudness_lufs, progress=progress
        )
        if adm:
            write_adm(heard, made / ADM_FILE, progress=progress)
        progress("drawing", 0.0)
        place.save(made / "scene.png", levels)
    progress("done", 1.0)
    return Heard(scene, final)


def _source(tiles: str, image: str | os.PathLike[str] | None, chosen: Options) -> TileSource:
    if image is not None:
        return open_image(
            os.fspath(image), ground_m=chosen.ground_m, bands=parse_bands(chosen.bands)
        )
    if chosen.ground_m is not None or chosen.bands is not None:
        raise OptionError("ground and bands belong to an --image; give one, or leave them out")
    return open_tiles(tiles)


def _place(where: Where | None, source: TileSource) -> tuple[float, float, str]:
    """Return latitude, longitude and the place in words."""
    if where is None:
        if isinstance(source, RasterFile):
            lat, lon = source.middle()
            return lat, lon, f"{source.name}, {where_in_words(lat, lon)}"
        if isinstance(source, PlainPicture):
            return 45.0, 0.0, source.name
        raise PlaceError("no place was given; give latitude and longitude, a town, or an --image")
    if isinstance(where, str):
        town = place_named(where)
        return town.lat_deg, town.lon_deg, str(town)
    lat, lon = (float(value) for value in where)
    View(lat, lon)  # says what is wrong with them
    return lat, lon, f"{lat:.4f}, {lon:.4f} ({where_in_words(lat, lon)})"


def _fetcher(allow_private: bool, networked: bool) -> Any:
    if not networked:
        return None
    from earwitness.atlas.cache import DiskCache
    from earwitness.atlas.fetching import Fetcher

    return Fetcher(allow_private=allow_private, cache=DiskCache(), **FETCHING)


def view_for(
    source: TileSource, lat_deg: float, lon_deg: float, radius_m: float | None, date: str | None
) -> View:
    """Return the square to ask a source for: its scale suits the imagery and the model.

    Parameters
    ----------
    source
        Where it comes from.
    lat_deg, lon_deg
        The middle.
    radius_m
        As asked for, or None.
    date
        As asked for, or None.
    """
    from earwitness.atlas.cover.model import FINE_M, PATCH_PX

    finest = source.finest_m
    if finest >= VERY_COARSE_M:
        radius = check_radius(MARBLE_RADIUS_M if radius_m is None else radius_m)
        return View(lat_deg, lon_deg, radius, 2.0 * radius / 512, date)
    native = max(finest, FINE_M) if finest < 2.0 else finest
    usual = max(FINE_RADIUS_M, COARSE_PATCHES * PATCH_PX * native / 2.0)
    radius = usual if radius_m is None else radius_m
    reach = getattr(source, "reach_m", None)
    if reach is not None and radius_m is None:
        radius = min(radius, float(reach()))
        if radius < SMALLEST_RADIUS_M:
            raise PlaceError(
                f"the picture shows {2.0 * radius:g} m from side to side; nothing can be heard "
                f"apart in less than {2.0 * SMALLEST_RADIUS_M:g} m, give a larger picture"
            )
    # Sides are multiples of 32 px, which the backbone wants; beyond 1536 px detail is given up.
    size = int(np.clip(round(2.0 * check_radius(radius) / native / 32.0) * 32, 64, 1536))
    return View(lat_deg, lon_deg, radius, 2.0 * radius / size, date)


def _see(
    source: TileSource,
    where: tuple[float, float],
    at: Moment,
    radius_m: float | None,
    date: str | None,
    fetcher: Any,
    chosen: Options,
    phrase: Phrase | None,
    rng: np.random.Generator,
) -> _Seen:
    view = view_for(source, *where, radius_m, date)
    imagery = source.view(view, fetcher)
    weather = {wish.concept for wish in phrase.wishes} & WEATHER if phrase else set()
    if imagery.native_m >= VERY_COARSE_M:
        return _see_coarse(imagery, where, at, chosen, rng)
    from earwitness.atlas.cover.model import cover
    from earwitness.atlas.place.compose import compose, stretches, thinned

    found = cover(imagery.pixels, view.ground_m)
    heard = compose(
        stretches(found, imagery.seen),
        at,
        where[0],
        map_m2=float(imagery.seen.mean()) * (2.0 * view.radius_m) ** 2,
        sea_share=_sea_share(*where),
        weather=weather,
        heading_deg=chosen.heading_deg,
        rng=rng,
    )
    heard = thinned(heard, chosen.sources or MOST)
    heats = {
        name: found.probability[i]
        for i, name in enumerate(found.names)
        if float(found.probability[i].mean()) > 0.01
    }
    return _Seen(imagery, heats, heard.sources, heard.beds, "cover")


def _see_coarse(
    imagery: Imagery,
    where: tuple[float, float],
    at: Moment,
    chosen: Options,
    rng: np.random.Generator,
) -> _Seen:
    from earwitness.atlas.embedders import load_embedder
    from earwitness.atlas.place.coarse import compose_coarse, place_scores

    scores = place_scores(load_embedder(chosen.embedder), *where, at)
    sources, beds = compose_coarse(
        scores, surroundings(*where, at), heading_deg=chosen.heading_deg, rng=rng
    )
    held = {one.concept for one in sources} | {one.concept for one in beds}
    most = max(float(scores.weight.max()), 1e-9)
    heats = {
        name: np.sqrt(scores.weight[i] / most)
        for i, name in enumerate(scores.names)
        if name in held and scores.weight[i].any()
    }
    return _Seen(imagery, heats, sources[: chosen.sources or MOST], beds, "embedder")


def surroundings(lat_deg: float, lon_deg: float, at: Moment) -> Around:
    """Return what is known of a place beside its image: season, people, sea.

    Parameters
    ----------
    lat_deg, lon_deg
        Degrees north and east.
    at
        When.
    """
    from earwitness.atlas.place.coarse import Around
    from earwitness.atlas.place.shore import sea_share, sea_side
    from earwitness.atlas.world.rules import warmth

    town = nearest_place(lat_deg, lon_deg)
    away = distance_m((town.lat_deg, town.lon_deg), (lat_deg, lon_deg))
    return Around(
        at,
        float(warmth(lat_deg, at.month)),
        people_within(lat_deg, lon_deg),
        (town.population, away),
        sea_share(lat_deg, lon_deg),
        sea_side(lat_deg, lon_deg),
    )


def _sea_share(lat_deg: float, lon_deg: float) -> float:
    """Return the share of sea around; 0 where the built-in picture of the Earth is not there."""
    from earwitness.atlas.place.shore import sea_share

    try:
        return sea_share(lat_deg, lon_deg)
    except PluginError:
        return 0.0


def _scene(
    seen: _Seen,
    place: tuple[float, float, str],
    at: Moment,
    chosen: Options,
    phrase: Phrase | None,
    rng: np.random.Generator,
) -> Scene:
    wishes, refused = (phrase.wishes, phrase.refused) if phrase else ((), ())
    sources, beds = steered(seen.sources, seen.beds, wishes, refused, rng=rng)
    if chosen.sources is not None:
        sources = sources[: chosen.sources]
    if not sources and not beds:
        beds = [Bed("wind-1", "a light wind", "wind", 40.0)]
    evened, behind = balanced(sources, beds)
    view = seen.imagery.view
    return Scene(
        evened,
        behind,
        duration_s=chosen.duration_s,
        seed=chosen.seed,
        origin={
            "kind": "place",
            "name": place[2],
            "lat_deg": round(place[0], 6),
            "lon_deg": round(place[1], 6),
            "month": at.month,
            "hour": round(at.hour, 3),
            "date_given": at.given[0],
            "hour_given": at.given[1],
            "sun_deg": round(at.sun_deg, 1),
            "heading_deg": chosen.heading_deg,
            "imagery": seen.imagery.source,
            "attribution": seen.imagery.attribution,
            "ground_m": round(view.ground_m, 4),
            "native_m": round(seen.imagery.native_m, 4),
            "radius_m": view.radius_m,
            "told_by": seen.how,
            "prompt": chosen.prompt or "",
            "voice": chosen.voice,
            "version": __version__,
        },
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Drawn:
    """What is needed to draw a place."""

    seen: _Seen
    scene: Scene
    title: str
    heading_deg: float

    def save(self, path: Path, levels: Sequence[LevelRow]) -> None:
        imagery = self.seen.imagery
        canvas = draw_place(
            self.scene,
            imagery.pixels,
            self.seen.heats,
            levels,
            radius_m=imagery.view.radius_m,
            title=self.title,
            attribution=" · ".join(t for t in (imagery.source, imagery.attribution) if t),
            heading_deg=self.heading_deg,
        )
        canvas.save(path)

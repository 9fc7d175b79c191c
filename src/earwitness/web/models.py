"""What goes over the wire, typed; the OpenAPI document is made from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_Finite = Field(allow_inf_nan=False)
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]
Hour = Annotated[float, Field(ge=0, le=24, allow_inf_nan=False)]
Duration = Annotated[float, Field(ge=0.1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]
Words = Annotated[str, Field(min_length=1, max_length=500)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WordsAsked(_Asked):
    """A scene from words alone."""

    words: Words
    duration_s: Duration = 10.0
    seed: Seed = 0


class SoundsAsked(_Asked):
    """What is to sound in a scene besides what does."""

    words: Words


class VisitAsked(_Asked):
    """A place to hear: by name, or by latitude and longitude."""

    place: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    lat_deg: Latitude | None = None
    lon_deg: Longitude | None = None
    date: Date | None = None
    hour: Hour | None = None
    prompt: Annotated[str, Field(max_length=500)] | None = None
    heading_deg: Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)] = 0.0
    tiles: Annotated[str, Field(max_length=200)] = "builtin"
    duration_s: Duration = 10.0
    sources: Annotated[int, Field(ge=1, le=64)] | None = None
    seed: Seed = 0


class MapAsked(_Asked):
    """Where in a region one would hear something."""

    west_deg: Longitude
    south_deg: Latitude
    east_deg: Longitude
    north_deg: Latitude
    queries: Annotated[list[Words], Field(min_length=1, max_length=4)]
    hours: Annotated[list[Hour], Field(max_length=8)] = []
    date: Date | None = None
    step_deg: Annotated[float, Field(gt=0, le=90, allow_inf_nan=False)] | None = None
    tiles: Annotated[str, Field(max_length=200)] = "builtin"


class DownloadAsked(_Asked):
    """A file to make: the name of a layout, or adm, stems, scene, clip."""

    what: Annotated[str, Field(min_length=1, max_length=40)]


class Job(BaseModel):
    """How far a job is."""

    id: str
    kind: Literal["listen", "words", "visit", "map", "load", "voice", "download"]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    name: str
    stage: str
    done: Annotated[float, Field(ge=0, le=1)]
    position: int | None = Field(None, description="jobs before this one, while it waits")
    seen: bool = Field(description="whether its scene can be asked for, though not heard yet")
    message: str = Field("", description="what went wrong")
    parent: str | None = None
    files: list[str] = []
    took_s: float = 0.0


class Picture(BaseModel):
    """The picture that regions are measured in."""

    width_px: float
    height_px: float


class SceneView(BaseModel):
    """A scene as the page works with it."""

    scene: dict[str, Any] = Field(description="scene.json, see docs/scene.md")
    words: str = Field(description="the scene in words")
    phrases: dict[str, str] = Field(description="each source in words, by id")
    stems: dict[str, str] = Field(description="address of each stem that can be heard, by id")
    picture: Picture | None = None
    picture_url: str | None = None
    voiced: bool


class Edited(BaseModel):
    """What an edit came to."""

    view: SceneView
    voicing: Job | None = Field(None, description="the job that makes new stems, if any is needed")


class MapView(BaseModel):
    """A soundscape map without its pixels."""

    names: list[str]
    queries: list[str]
    hours: list[float | None]
    bounds: list[float]
    drawn_bounds: list[float]
    rows: int
    columns: int
    spans: list[list[float]]
    colours: list[str]
    notes: list[str]


class Cell(BaseModel):
    """The values of one cell, one for each band; null where there is no imagery."""

    lat_deg: float
    lon_deg: float
    values: list[float | None]


class PlaceFound(BaseModel):
    """A town."""

    name: str
    country: str
    lat_deg: float
    lon_deg: float
    population: int


class Bounds(BaseModel):
    """The service's limits."""

    workers: int
    upload_mb: float
    picture_mpx: float
    duration_s: float
    clip_s: float
    job_s: float
    queue: int
    keep_h: float
    map_cells: int


class About(BaseModel):
    """What this service is and can do."""

    version: str
    features: dict[str, bool] = Field(description="photos, clips, words, visit, map, earth, coast")
    why_not: dict[str, str] = Field(description="what a missing feature needs")
    layouts: list[str]
    tiles: list[str]
    limits: Bounds


class Problem(BaseModel):
    """What was wrong, and what to do."""

    error: str

"""Sentinel-2 through a STAC catalogue: the least cloudy image near a date, read in parts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from earwitness.atlas.fetching import JSON, Fetcher
from earwitness.atlas.imagery.contract import Imagery, View
from earwitness.atlas.imagery.ground import around
from earwitness.atlas.imagery.raster import RasterFile
from earwitness.atlas.imagery.remote import RemoteBytes
from earwitness.errors import FetchError, OptionError, PlaceError
from earwitness.extras import load

CATALOGUE = "https://earth-search.aws.element84.com/v1"
COLLECTION = "sentinel-2-l2a"
ASSET = "visual"
NATIVE_M = 10.0
WINDOW_DAYS = 45
NEWEST_DAYS = 365
MOST_CLOUD_PERCENT = 40
_LARGEST_ANSWER_BYTES = 8 * 1024 * 1024


def guarded_io(fetcher: Fetcher) -> Any:
    """Return pystac-client's way onto the network, replaced by the guarded one.

    Its own would follow any link to any address, and open links without a scheme as files.
    """
    module = load("pystac_client.stac_api_io", "atlas", "Sentinel-2 through STAC")

    base: Any = module.StacApiIO

    class GuardedIO(base):  # type: ignore[misc]
        def read_text(self, source: Any, *args: Any, **rest: Any) -> str:
            href = getattr(source, "href", source)
            if not str(href).startswith(("http://", "https://")):
                raise FetchError(f"the catalogue links to {href!r}, which is no link of the web")
            return str(super().read_text(source, *args, **rest))

        def request(
            self,
            href: str,
            method: str | None = None,
            headers: dict[str, str] | None = None,
            parameters: dict[str, Any] | None = None,
        ) -> str:
            if (method or "GET").upper() == "POST":
                body = json.dumps(parameters or {}).encode()
                got = fetcher.post(href, body, largest_bytes=_LARGEST_ANSWER_BYTES)
            else:
                query = f"?{urlencode(parameters)}" if parameters else ""
                got = fetcher.get(
                    href + query, types=JSON, largest_bytes=_LARGEST_ANSWER_BYTES, cached=False
                )
            return got.body.decode("utf-8", "replace")

    return GuardedIO(max_retries=None)


def window(near: str | None, today: date | None = None) -> tuple[str, str]:
    """Return the first and the last day to look at.

    Examples
    --------
    >>> window("2026-05-14", date(2026, 6, 1))
    ('2026-03-30', '2026-06-01')
    """
    now = today or datetime.now(UTC).date()
    if near is None:
        return (now - timedelta(days=NEWEST_DAYS)).isoformat(), now.isoformat()
    try:
        middle = date.fromisoformat(near[:10])
    except ValueError:
        raise OptionError(f"date {near!r}; give it as 2026-05-14") from None
    # A day to come has no image yet: the same season of the last year that has.
    while middle - timedelta(days=WINDOW_DAYS) > now:
        middle -= timedelta(days=365)
    last = min(middle + timedelta(days=WINDOW_DAYS), now)
    return (middle - timedelta(days=WINDOW_DAYS)).isoformat(), last.isoformat()


class Sentinel2:
    """Sentinel-2 as a source of imagery.

    Parameters
    ----------
    catalogue
        Root of a STAC API that holds the collection ``sentinel-2-l2a`` with the asset ``visual``
        (8-bit true colour, cloud-optimised).
    """

    def __init__(self, catalogue: str = CATALOGUE) -> None:
        self.catalogue = catalogue.rstrip("/")

    @property
    def finest_m(self) -> float:
        """Metres per pixel."""
        return NATIVE_M

    def view(self, view: View, fetcher: Fetcher | None) -> Imagery:
        """Return the square from the least cloudy image near the view's date."""
        if fetcher is None:
            raise FetchError("Sentinel-2 is on the network, which is not to be used here")
        item = self._search(view, fetcher)
        assets = item.get("assets")
        asset = assets.get(ASSET) if isinstance(assets, dict) else None
        href = asset.get("href") if isinstance(asset, dict) else None
        if not isinstance(href, str):
            raise PlaceError(f"{self.catalogue} gave an image without the asset {ASSET!r}")
        when = str((item.get("properties") or {}).get("datetime", ""))[:10]
        source = RasterFile(
            href,
            opener=RemoteBytes(href, fetcher),
            name=f"Sentinel-2, {when}",
            attribution=f"contains modified Copernicus Sentinel data {when[:4]}",
        )
        return source.view(view, fetcher)

    def _search(self, view: View, fetcher: Fetcher) -> dict[str, Any]:
        search = load("pystac_client", "atlas", "Sentinel-2 through STAC").ItemSearch(
            f"{self.catalogue}/search",
            method="POST",
            stac_io=guarded_io(fetcher),
            collections=[COLLECTION],
            intersects={"type": "Point", "coordinates": [view.lon_deg, view.lat_deg]},
            datetime="/".join(window(view.date)),
            query={"eo:cloud_cover": {"lte": MOST_CLOUD_PERCENT}},
            max_items=50,
            limit=50,
        )
        try:
            items = [item for item in search.items_as_dicts() if isinstance(item, dict)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FetchError(f"{self.catalogue} did not answer as a STAC API: {error}") from error
        if not items:
            first, last = window(view.date)
            raise PlaceError(
                f"no Sentinel-2 image with at most {MOST_CLOUD_PERCENT} % cloud at "
                f"{view.lat_deg:.4f}, {view.lon_deg:.4f} from {first} to {last}; give another "
                f"--date, or other --tiles"
            )
        return min(items, key=lambda item: (not _covers(item, view), _cloud(item)))


def _cloud(item: dict[str, Any]) -> float:
    value = (item.get("properties") or {}).get("eo:cloud_cover")
    return float(value) if isinstance(value, int | float) else 100.0


def _covers(item: dict[str, Any], view: View) -> bool:
    """Return whether the image's box holds the whole square."""
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return False
    r = view.radius_m
    lat, lon = around(view.lat_deg, view.lon_deg, [-r, r, 0, 0], [0, 0, -r, r])
    west, south, east, north = (float(v) for v in box)
    return bool(
        west <= lon.min() and lon.max() <= east and south <= lat.min() and lat.max() <= north
    )

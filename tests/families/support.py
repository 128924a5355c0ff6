"""Writes the support matrix of ``unsee list models``, after every aspect of every family has been checked.

python -m tests.families.support
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.families import FAMILIES
from tests.families.aspects import ASPECTS
from tests.tiny import build
from unsee.models.support import MATRIX


def main() -> None:
    table = {}
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            vlm = build(family)
            table[family] = {name: check(vlm, Path(folder)) for name, check in ASPECTS.items()}
        print(family, table[family], flush=True)
    MATRIX.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

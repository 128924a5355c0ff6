"""SIU and its baselines on the embedded world: people x seeds x settings, as one table.

    python -m performance.siu_world --out runs/siu_world [--people 5] [--seeds 0,1] [--grid]

Every cell is one run of ``unsee forget`` in a folder of its own, so a stopped study goes on where it was.
``--grid`` adds GA, GA+KL and PO over a small grid of learning rates and passes, with the rows and retain data
of SIU. The table is written to ``OUT/table.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.config import resolve
from unsee.jobs.forget import forget

METRICS = (
    "naming_rate", "efficacy", "yes_no_balanced", "choice_likelihood", "facts_by_picture", "facts_by_text",
    "others_named", "neighbours_named", "strangers_refused", "attributes", "scenes", "fluency_ppl",
    "diversity", "degenerate_rate",
)  # fmt: skip
SETTINGS = {"strict": "none", "anchors": "anchors", "with retain pictures": "others"}
GRID_METHODS = ("ga", "ga_kl", "po")
GRID = [(lr, passes) for lr in (3e-4, 1e-3, 3e-3) for passes in (3, 6, 15)]


@dataclass(frozen=True)
class Cell:
    """One run of the study."""

    setting: str
    method: str
    concept: str
    stage: str
    seed: int
    lr: float | None = None
    passes: int | None = None

    @property
    def name(self) -> str:
        """Name of the run folder."""
        tuned = f"-lr{self.lr:g}-passes{self.passes}" if self.lr is not None else ""
        return f"{self.setting.replace(' ', '_')}-{self.method}{tuned}-{self.concept}-seed{self.seed}"

    def given(self, out: Path) -> dict[str, Any]:
        """The configuration of the run."""
        training = {} if self.lr is None else {"training": {"lr": self.lr, "passes": self.passes}}
        world = {"concept": self.concept, "stage": self.stage, "retain": SETTINGS[self.setting]}
        return {
            "method": self.method,
            "seed": self.seed,
            "out": str(out / self.name),
            "world": world,
            **training,
        }


def cells(people: int, seeds: Sequence[int], settings: Sequence[str], grid: bool) -> Iterator[Cell]:
    """All cells, the main ones first."""
    concepts = [(f"celebrity-{i:02d}", "base") for i in range(0, 2 * people, 2)]
    concepts += [(f"private-{i:03d}", "target") for i in range(0, 2 * people, 2)]
    for seed in seeds:
        for setting in settings:
            for concept, stage in concepts:
                yield Cell(setting, "siu", concept, stage, seed)
    if grid:
        for method in GRID_METHODS:
            for lr, passes in GRID:
                yield Cell("with retain pictures", method, *concepts[0], seeds[0], lr, passes)


def run(cell: Cell, out: Path) -> dict[str, Any]:
    """The results of a cell, from its folder if it is finished."""
    done = out / cell.name / "results.json"
    if not done.exists():
        forget(resolve(cell.given(out)))
    found: dict[str, Any] = json.loads(done.read_text())
    return found


def row(title: str, model: str, results: Sequence[dict[str, Any]]) -> str:
    """Mean over cells with the worst and best cell."""
    cells_text = []
    for metric in METRICS:
        values = [
            r["models"][model][metric]["value"] for r in results if metric in r["models"].get(model, {})
        ]
        if not values:
            cells_text.append("-")
        elif len(values) == 1:
            cells_text.append(f"{values[0]:.2f}")
        else:
            cells_text.append(f"{statistics.mean(values):.2f} ({min(values):.2f}..{max(values):.2f})")
    return f"| {title} | {len(results)} | " + " | ".join(cells_text) + " |"


def table(found: dict[Cell, dict[str, Any]]) -> str:
    """The whole table in Markdown."""
    lines = ["| what | cells | " + " | ".join(METRICS) + " |", "|" + " --- |" * (len(METRICS) + 2)]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    targets: dict[str, dict[str, dict[str, Any]]] = {}
    for cell, result in found.items():
        group = "public" if cell.stage == "base" else "private"
        tuned = f", lr {cell.lr:g}, {cell.passes} passes" if cell.lr is not None else ""
        groups.setdefault((f"{cell.method}, {cell.setting}{tuned}", group), []).append(result)
        targets.setdefault(group, {})[cell.concept] = result
    lines += [row(f"target ({group})", "target", list(r.values())) for group, r in targets.items()]
    lines += [row(f"{title} ({group})", "unlearned", results) for (title, group), results in groups.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--people", type=int, default=5, help="people of each group, public and private")
    parser.add_argument("--seeds", default="0,1", help="seeds, separated by commas")
    parser.add_argument("--settings", default="strict,with retain pictures", help=", ".join(SETTINGS))
    parser.add_argument("--grid", action="store_true", help="add the baselines' grid")
    given = parser.parse_args()
    seeds = [int(s) for s in given.seeds.split(",")]
    found: dict[Cell, dict[str, Any]] = {}
    for cell in cells(given.people, seeds, given.settings.split(","), given.grid):
        found[cell] = run(cell, given.out)
        (given.out / "table.md").write_text(table(found))
        print(cell.name, flush=True)


if __name__ == "__main__":
    main()

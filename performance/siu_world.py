"""SIU on the embedded world: five public and five private people, two seeds, two settings, as one table.

    python -m performance.siu_world --out runs/siu_world [--seeds 0,1]

Four runs of ``unsee bench`` (public and private people, strict and with retain pictures), so a stopped study
goes on where it was. The table is written to ``OUT/table.md``: mean over people and seeds, worst and best.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from unsee.jobs.bench import bench
from unsee.jobs.bench_plan import Ask

METRICS = (
    "naming_rate", "efficacy", "yes_no_balanced", "choice_likelihood", "facts_by_picture", "facts_by_text",
    "others_named", "neighbours_named", "strangers_refused", "attributes", "scenes", "fluency_ppl",
    "diversity", "degenerate_rate",
)  # fmt: skip
PEOPLE = {
    "public": ",".join(f"celebrity-{i:02d}" for i in range(0, 10, 2)),
    "private": ",".join(f"private-{i:03d}" for i in range(0, 10, 2)),
}
STAGES = {"public": "base", "private": "target"}
SETTINGS: dict[str, tuple[str, ...]] = {
    "strict": ("world.retain=none",),
    "retain": (
        "world.retain=others", "world.pictures=192", "data.anchor_choice=near", "data.anchors=96",
        "training.anchors=32",
    ),
}  # fmt: skip

Results = list[dict[str, Any]]


def run(group: str, setting: str, seeds: str, out: Path) -> Results:
    """The results of every person and seed of a group in a setting."""
    sets = (f"world.stage={STAGES[group]}", *SETTINGS[setting])
    folder = out / f"{setting}-{group}"
    bench(Ask("world", methods="siu", seeds=seeds, concepts=PEOPLE[group], sets=sets), folder)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("siu/*/results.json"))]


def cell(results: Results, model: str, metric: str) -> str:
    """Mean over runs with the lowest and highest."""
    values = [r["models"][model][metric]["value"] for r in results if metric in r["models"][model]]
    if not values:
        return "-"
    return f"{statistics.mean(values):.2f} ({min(values):.2f}..{max(values):.2f})"


def table(found: dict[tuple[str, str], Results]) -> str:
    """The whole table in Markdown, one metric a line."""
    columns = [("target", group, found[group, "strict"]) for group in PEOPLE]
    columns += [(f"{setting}", group, found[group, setting]) for group in PEOPLE for setting in SETTINGS]
    columns.sort(key=lambda column: list(PEOPLE).index(column[1]))
    lines = [
        "| metric | " + " | ".join(f"{group}, {title}" for title, group, _ in columns) + " |",
        "|" + " --- |" * (len(columns) + 1),
        "| runs | " + " | ".join(str(len(results)) for *_, results in columns) + " |",
    ]
    for metric in METRICS:
        cells = [
            cell(results, "target" if title == "target" else "unlearned", metric)
            for title, _, results in columns
        ]
        lines.append(f"| `{metric}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--seeds", default="0,1", help="seeds, separated by commas")
    given = parser.parse_args()
    found = {
        (group, setting): run(group, setting, given.seeds, given.out)
        for setting in SETTINGS
        for group in PEOPLE
    }
    (given.out / "table.md").write_text(table(found))


if __name__ == "__main__":
    main()

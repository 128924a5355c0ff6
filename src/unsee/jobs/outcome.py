"""What a job hands back: where everything lies, the results, and the table for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.jobs.receipt import print_cost
from unsee.models.processes import leads
from unsee.reports.table import plain_results, print_results


@dataclass(frozen=True)
class Outcome:
    """The result of ``forget`` or ``evaluate``.

    Attributes:
        folder: The run folder.
        results: Content of ``results.json``.
        adapter: The adapter's folder; None when nothing was trained.
        redact: Whether names stay out of what is printed.
    """

    folder: Path
    results: Mapping[str, Any]
    adapter: Path | None = None
    redact: bool = False

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def print(self) -> None:
        """Prints the verdict, the table of results and where everything lies; the leader alone does."""
        if not leads():
            return
        if sys.stdout.isatty():
            from rich.console import Console

            print_results(self.results, Console(), redact=self.redact)
        else:
            print(plain_results(self.results, redact=self.redact))
        print(f"report   {self.report}")
        if self.adapter is not None:
            print(f"adapter  {self.adapter}")
        print_cost(self.folder)

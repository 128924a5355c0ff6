"""The comparisons, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from performance.cases import ce_step, open_answers, siu_step
from performance.cases.case import Case
from performance.shapes import Shape

CASES: Mapping[str, Callable[[Shape], Case]] = {
    "T1": ce_step.prepare,
    "T4": siu_step.prepare,
    "E1": open_answers.prepare,
}

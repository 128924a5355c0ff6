"""What a page about a metric holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unsee.metrics.variants import Variant
from unsee.nouns import Direction

SIU = "SIU, arXiv 2405.12523"
OURS = "this project"
SHARE = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """The page of one metric.

    Attributes:
        id: The key in ``results.json``.
        title: A few words.
        formula: What is computed, in one line.
        better: Which way is better for the unlearned model.
        bounds: Smallest and largest value; None where there is no largest.
        source: Paper or origin.
        fails_when: When the figure misleads.
        variants: What each reading computes, where paper, released code and good practice differ.
    """

    id: str
    title: str
    formula: str
    better: Direction
    bounds: tuple[float, float | None]
    source: str
    fails_when: str
    variants: Mapping[Variant, str] = field(default_factory=dict)

"""Forgot, did not forget, or not scorable: the one place where figures of MMUBench become a judgement.

EM is near 100 % for a model that answers No, noise or nothing to everything. So a judgement looks at what
must have been kept first:

1. *not scorable, collapsed*: a reason of ``suites.concept.collapse`` holds, or what must be kept is at
   chance;
2. *not scorable*: nothing that must be kept was asked, or no name question was;
3. *forgot*: the concept is named in at most 5 % of the replies, or at most 5 points more often than by gold,
   and yes/no about it is at most 10 points above chance, or at most 5 points above gold;
4. *did not forget*: everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from unsee.nouns import Score
from unsee.suites.concept.collapse import SMALLEST_KEPT_SHARE, Reason, collapse_reasons

Outcome = Literal["forgot", "did_not_forget", "not_scorable"]
NAMED_AT_MOST = 0.05
MORE_THAN_GOLD = 0.05
ABOVE_CHANCE = 0.10
ALIVE = 0.05  # a figure of what is kept lies further above chance than this
CONTROLS: Mapping[str, float] = {
    "others_named": 0.0,
    "others_yes_no": 0.5,
    "attributes": 0.0,
    "scenes": 0.0,
    "specificity": 0.0,
}
"""What must be kept, with what a constant answer gets."""


class Verdict(NamedTuple):
    """A judgement.

    Attributes:
        outcome: forgot, did_not_forget or not_scorable.
        collapsed: True where the model answers next to nothing rightly any more.
        reasons: Why, one sentence each.
    """

    outcome: Outcome
    collapsed: bool
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """One line for a table."""
        head = {"forgot": "forgot", "did_not_forget": "did not forget", "not_scorable": "not scorable"}
        mark = ": collapsed" if self.collapsed else ""
        return f"{head[self.outcome]}{mark} ({'; '.join(self.reasons)})"


def verdict(
    scores: Mapping[str, Score],
    target: Mapping[str, Score] | None = None,
    gold: Mapping[str, Score] | None = None,
) -> Verdict:
    """Whether the concept was forgotten, by the corrected readings (rules in the module text).

    Args:
        scores: The model's figures: ``em_name``, ``yes_no_balanced``, ``degenerate_rate``, and what must be
            kept (``CONTROLS``), all 0..1.
        target: The target's figures; without them what is kept only has to be above chance.
        gold: Gold's figures; without them fixed limits apply.
    """
    reasons = [*collapse_reasons(scores, target), *_dead(scores, target)]
    if reasons:
        return Verdict("not_scorable", True, tuple(reason.text for reason in reasons))
    if not CONTROLS.keys() & scores.keys():
        return Verdict("not_scorable", False, ("nothing that must be kept was asked",))
    if "em_name" not in scores:
        return Verdict("not_scorable", False, ("no question asked for the name",))
    checks = list(_checks(scores, gold or {}))
    outcome: Outcome = "forgot" if all(passed for passed, _ in checks) else "did_not_forget"
    return Verdict(outcome, False, tuple(text for _, text in checks))


def _dead(scores: Mapping[str, Score], target: Mapping[str, Score] | None) -> Iterator[Reason]:
    """What must be kept and is at chance, or (specificity, which is nobody else's) more than halved."""
    for metric, chance in CONTROLS.items():
        if metric not in scores:
            continue
        now, before = scores[metric].value, (target or {}).get(metric)
        if before is None and now <= chance + ALIVE:
            yield Reason(metric, f"{metric} is {now:.0%}, no better than a constant answer")
        if metric == "specificity" and before is not None and now < SMALLEST_KEPT_SHARE * before.value:
            yield Reason(metric, f"{metric} fell from {before.value:.0%} to {now:.0%}")


def _checks(scores: Mapping[str, Score], gold: Mapping[str, Score]) -> Iterator[tuple[bool, str]]:
    """Whether each figure of forgetting passes, in words."""
    named = 1 - scores["em_name"].value
    limit = NAMED_AT_MOST
    if "em_name" in gold:
        limit = max(limit, 1 - gold["em_name"].value + MORE_THAN_GOLD)
    yield named <= limit, f"named in {named:.0%} of the replies, limit {limit:.0%}"
    if "yes_no_balanced" in scores:
        known, limit = scores["yes_no_balanced"].value, 0.5 + ABOVE_CHANCE
        if "yes_no_balanced" in gold:
            limit = max(limit, gold["yes_no_balanced"].value + MORE_THAN_GOLD)
        yield known <= limit, f"yes/no about it {known:.0%} right, limit {limit:.0%}"

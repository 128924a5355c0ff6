"""The comparisons, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from performance.cases import (
    ce_step,
    everywhere_step,
    feature_cache,
    few_shot,
    fisher,
    kl_step,
    letters,
    likelihoods,
    open_answers,
    option_texts,
    profile_step,
    siu_step,
    sweep,
)
from performance.cases.case import Case
from performance.shapes import Shape

CASES: Mapping[str, Callable[[Shape], Case]] = {
    "T1": ce_step.prepare,
    "T2": kl_step.prepare,
    "T3": everywhere_step.prepare,
    "T4": siu_step.prepare,
    "T5": profile_step.prepare,
    "E1": open_answers.prepare,
    "E2": few_shot.prepare,
    "E3": letters.prepare,
    "E4": option_texts.prepare,
    "E5": likelihoods.prepare,
    "F1": fisher.prepare,
    "C1": feature_cache.prepare,
    "S1": sweep.prepare,
}

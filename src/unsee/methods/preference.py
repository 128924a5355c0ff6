"""DPO and AltPO: prefer another answer to the true one.

    L = -(2 / beta) log sigma(beta [(log p - log p_ref)(y') - (log p - log p_ref)(y)]) + weight * CE(retain)

Direct preference optimisation (arXiv 2305.18290) with the true answer y as the rejected one. ``dpo`` prefers
a refusal (baseline of NPO, arXiv 2404.05868), ``altpo`` a plausible other answer that the model wrote itself
(arXiv 2409.13474). log p is the sum over an answer. Each preferred row is compared with the original row of
the same question; the two take the same step. The mean is over pairs.

``dpo`` comes in variants. ``paper`` and ``corrected`` (default) agree. ``released_code`` (MLUBench,
arXiv 2606.12809): two lines after the DPO loss it is overwritten by -log p(y'), so what is left is plain
fine-tuning on refusals without retain rows. ``released_code_clear`` (CLEAR, arXiv 2410.18057): the same
overwriting, and the refusal batch holds the forget answers themselves, so it fine-tunes on what it shall
forget. Both sum over the answer and average over rows, and have no retain term.

Defaults: beta .1 (NPO's TOFU configuration; within AltPO's grid of .05, .1, .5), weight 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unsee.methods.ascent import ROW_SUM, above_zero, bound_knob
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, TARGET, Method, Term, knob, pair_key
from unsee.objectives import answer_nll, preference_loss
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable

DPOVariant = Literal["paper", "released_code", "released_code_clear", "corrected"]
COST = "a reference forward per forget and preferred row; a forward and backward per preferred and retain row"
REDUCTION = "sum over an answer's tokens, mean over pairs; retain: mean over tokens, then rows"


@dataclass(frozen=True)
class DPO:
    """Knobs of DPO."""

    variant: DPOVariant = knob(
        "corrected",
        help="released_code: fine-tuning on refusals (MLUBench); released_code_clear: on the forget answers",
        source="paper",
    )
    beta: float = knob(0.1, help="how soon a pair counts as settled", source="TOFU configuration of NPO")
    weight: float | None = knob(
        None,
        help="weight of the cross-entropy on the retain rows; none = 1, or 0 in the released codes",
        source="arXiv 2404.05868, code",
    )
    bound: float | None = bound_knob(None, "off: the weight brakes the ascent")


@dataclass(frozen=True)
class AltPO:
    """Knobs of AltPO."""

    beta: float = knob(0.1, help="how soon a pair counts as settled", source="grid of the paper: .05, .1, .5")
    weight: float = knob(
        1.0, help="weight of the cross-entropy on the retain rows", source="grid of the paper: 1, 2, 5"
    )
    bound: float | None = bound_knob(None, "off: the weight brakes the ascent")


def pairs(table: TokenTable, preferred: str) -> tuple[list[int], list[int]]:
    """Rows of the preferred role and, for each, the original row of the same question."""
    original = {pair_key(row): r for r, row in enumerate(table.rows) if row.role in FORGET_ROLES}
    chosen = [r for r, row in enumerate(table.rows) if row.role == preferred]
    missing = [table.rows[r].example for r in chosen if pair_key(table.rows[r]) not in original]
    assert not missing, f"no original row beside {missing}"
    return chosen, [original[pair_key(table.rows[r])] for r in chosen]


def pair_loss(table: TokenTable, reference: TokenTable, preferred: str, beta: float) -> Tensor:
    """DPO of each pair on its preferred row, 0 on the original rows: (R,)."""
    excess = table.sum_by_row(table.logp - reference.logp.detach())
    chosen, rejected = pairs(table, preferred)
    losses = preference_loss(excess[rejected] - excess[chosen], beta)
    place = torch.tensor(chosen, dtype=torch.long, device=losses.device)
    return torch.zeros_like(excess).index_add(0, place, losses)


def counts_pairs(preferred: str) -> Callable[[Row], float]:
    """A row adds 1 to the normaliser when it has the preferred role, else 0."""
    return lambda row: float(row.role == preferred)


def pair_term(preferred: str, beta: float) -> Term:
    """The preference of one role over the original rows."""

    def loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        assert teacher is not None, "DPO needs the reference"
        return pair_loss(table, teacher, preferred, beta)

    roles = frozenset((preferred, *FORGET_ROLES))
    return Term("preference", roles, 1.0, loss, TARGET, counts_pairs(preferred), paired=True)


def overwritten_term(variant: DPOVariant) -> Term:
    """What the released codes minimise in place of DPO."""

    def loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        return answer_nll(table.logits, table.labels, table.row, len(table.rows), reduction="sum")

    roles = FORGET_ROLES if variant == "released_code_clear" else ("refusal",)
    return Term("preference", frozenset(roles), 1.0, loss)


def dpo(knobs: DPO) -> Method:
    """Refusals preferred to the true answers."""
    released = knobs.variant.startswith("released")
    beta = above_zero("dpo", "beta", knobs.beta)
    weight = knobs.weight if knobs.weight is not None else 0.0 if released else 1.0
    term = overwritten_term(knobs.variant) if released else pair_term("refusal", beta)
    return Method(
        name="dpo",
        title="Direct preference for refusals (DPO)",
        paper="arXiv 2404.05868, baseline; loss arXiv 2305.18290",
        loss_line="-(2/beta) log sigma(beta [log p/p_ref(refusal) - log p/p_ref(original)]) "
        "+ weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(term, *retain_terms(weight, per_token=released)),
        reduction=ROW_SUM if released else REDUCTION,
        cost="one forward and backward per refusal row" if released else COST.replace("preferred", "refusal"),
        stop_above=knobs.bound,
        needs={}
        if knobs.variant == "released_code_clear"
        else {"refusal": "it is what the model shall prefer"},
    )


def altpo(knobs: AltPO) -> Method:
    """Alternative answers preferred to the true ones."""
    beta = above_zero("altpo", "beta", knobs.beta)
    return Method(
        name="altpo",
        title="Alternate preference optimisation (AltPO)",
        paper="arXiv 2409.13474",
        loss_line="-(2/beta) log sigma(beta [log p/p_ref(alternative) - log p/p_ref(original)]) "
        "+ weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(pair_term("alternative", beta), *retain_terms(knobs.weight)),
        reduction=REDUCTION,
        cost=COST.replace("preferred", "alternative"),
        stop_above=knobs.bound,
        needs={"alternative": "it is what the model shall prefer"},
    )


METHODS = {"dpo": (DPO, dpo), "altpo": (AltPO, altpo)}

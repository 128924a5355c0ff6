"""CE-U: distil the model without the label into itself (Yang, arXiv 2503.01224).

    L = mean over tokens of CE( softmax(frozen z with z[label] = -inf) , softmax(z) ) + weight * CE(retain)

The teacher is the model itself, so neither a reference nor a retain set is needed. The gradient pushes the
label's logit down by its probability p and shares p among the other tokens in proportion: it dies out as the
label does, where the gradient of ascent grows.

The first ``skip`` answer tokens take no part (a footnote of the paper): what opens an answer is not what it
tells. An answer with no more tokens than that adds 0.

Defaults: skip 1 and no retain term, paper and released code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, Term, knob
from unsee.nouns import UserError
from unsee.objectives import distil, mean_by_row, without_label
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class CEU:
    """Knobs of CE-U."""

    skip: int = knob(1, help="answer tokens at the start that take no part", source="arXiv 2503.01224, code")
    weight: float = knob(
        0.0,
        help="weight of the cross-entropy on the retain rows; 0 = leave them out",
        source="0 in the paper",
    )


def place_in_row(table: TokenTable) -> Tensor:
    """(N,) int64: the place of each answer token within its row, from 0."""
    place = torch.arange(len(table.row), device=table.row.device)
    starts = torch.full((len(table.rows),), len(place), device=place.device)
    starts = starts.scatter_reduce(0, table.row, place, "amin")
    return place - starts[table.row]


def ceu_loss(table: TokenTable, skip: int) -> Tensor:
    """Cross-entropy under the label-free self, averaged over each row's later answer tokens: (R,)."""
    later = place_in_row(table) >= skip
    values = distil(table.logits, without_label(table.logits, table.labels))
    return mean_by_row(values, table.row, len(table.rows), keep=later)


def ceu(knobs: CEU) -> Method:
    """CE-U with these knobs."""
    if knobs.skip < 0:
        raise UserError(
            "The value of ceu's knob skip is not accepted.",
            got=knobs.skip,
            expected="0 or more",
            remedy="the usual value is 1",
        )
    return Method(
        name="ceu",
        title="Cross-entropy unlearning (CE-U)",
        paper="arXiv 2503.01224",
        loss_line="CE(softmax(z without label), model)(original) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("ceu", frozenset(FORGET_ROLES), 1.0, lambda s, t: ceu_loss(s, knobs.skip)),
            *retain_terms(knobs.weight),
        ),
        reduction="mean over a row's answer tokens but the first, then over rows",
    )


METHODS = {"ceu": (CEU, ceu)}

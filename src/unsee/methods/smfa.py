"""SMFA: sculpted memory forgetting adapter (arXiv 2511.20196).

    D_f = change by training on CE(refusal) + CE(retain),   D_a = change by training on CE(retain) alone
    rho = |D_f| / |D_a|  (Frobenius norms, per matrix)
    an entry of D_f is cut where D_f * D_a < 0 and k * rho * |D_a| < |D_f|;   W <- W + what is left of D_f

Two trainings with the same settings and a comparison of what they changed: where learning to refuse works
hard against what the retain rows teach, it is undone. A larger k cuts less. The paper trains a third adapter
on the forget questions as text; here all forget questions show the picture. Without retain rows nothing is
cut.

Defaults: k 5 (paper, multimodal adapter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unsee.methods.ascent import above_zero, likelihood_term
from unsee.methods.context import Context
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import RETAIN_ROLES, Method, Term, knob

TINY = 1e-12


@dataclass(frozen=True)
class SMFA:
    """Knobs of SMFA."""

    k: float = knob(
        5.0, help="how hard an entry may work against the retain rows; more cuts less", source="paper"
    )
    weight: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source="paper")


def conflicts(
    forget: Tensor,  # change of one matrix by the forget training
    retain: Tensor,  # change of the same matrix by the retain training
    k: float,
) -> Tensor:
    """True at the entries that are cut, in the shape of the matrix."""
    norm = torch.linalg.vector_norm
    rho: Tensor = norm(forget) / norm(retain).clamp(min=TINY)
    return (forget * retain < 0) & (k * rho * retain.abs() < forget.abs())


def sculpt(context: Context, forgetting: Method, keeping: Method, k: float) -> Mapping[str, Any]:
    """Trains both, cuts what conflicts and adds the rest to the weights."""
    forget = context.train(forgetting, "forget")
    retain = context.train(keeping, "retain") if context.of(*RETAIN_ROLES) else {}
    weights = dict(context.vlm.model.named_parameters())
    cut = total = 0
    for name, change in forget.items():
        mask = conflicts(change, retain.get(name, torch.zeros_like(change)), k)
        with torch.no_grad():
            left = change.masked_fill(mask, 0).to(weights[name].device)
            weights[name].copy_(weights[name].float() + left)
        cut += int(mask.sum())
        total += mask.numel()
    return {"entries_cut": cut, "entries": total}


def smfa(knobs: SMFA) -> Method:
    """Training to refuse, without what works against the retain rows."""
    above_zero("smfa", "k", knobs.k)
    refusing = likelihood_term("refusal_ce", ("refusal",))

    def part(name: str, *terms: Term) -> Method:
        return Method(f"smfa_{name}", "", PAPER, "", knobs, terms)

    forgetting = part("forget", refusing, *retain_terms(knobs.weight))
    keeping = part("retain", *retain_terms(1.0))
    return Method(
        name="smfa",
        title="Sculpted memory forgetting adapter (SMFA)",
        paper=PAPER,
        loss_line="CE(refusal) + weight * CE(T3, T4, anchors), less what works against the latter",
        knobs=knobs,
        terms=(),
        cost="two trainings: one on refusal and retain rows, one on retain rows",
        needs={"refusal": "it is what the model shall say instead"},
        looks_at=("refusal", *RETAIN_ROLES),
        edit=lambda context: sculpt(context, forgetting, keeping, knobs.k),
    )


PAPER = "arXiv 2511.20196"
METHODS = {"smfa": (SMFA, smfa)}

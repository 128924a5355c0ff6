"""Prompt decoupling: a term that keeps the forget prompts answerable (SafeEraser, arXiv 2502.12520).

    L = L of the method + weight * CE(decoupled)

Unlearning tends to couple the refusal with the question: asked the same about any picture, the model refuses.
The decoupled rows are the forget prompts about other pictures with the model's own answers; descent on them
leaves the picture as the only reason to refuse. A drop-in for every method that trains:
:func:`with_decoupling`. ``po_pd`` is the ready combination with PO.

Differences from the paper: there the other picture is made by a diffusion model and shows something benign;
here it is any picture of somebody or something else. Weights of the release: 1 beside PO and KL minimising,
.5 beside GA and gradient difference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from unsee.methods.ascent import likelihood_term
from unsee.methods.parts import Method, knob
from unsee.methods.refusal import PO, po
from unsee.nouns import UserError

NAME, ROLE = "decoupled_ce", "decoupled"
LINE = " + decoupled_weight * CE(decoupled)"


@dataclass(frozen=True)
class POPD:
    """Knobs of PO with prompt decoupling."""

    weight: float = knob(
        1.0, help="weight of the cross-entropy on the retain rows; 0 = leave them out", source="SafeEraser"
    )
    decoupled_weight: float = knob(
        1.0, help="weight of the cross-entropy on the decoupled rows", source="SafeEraser code"
    )


def with_decoupling(method: Method, weight: float) -> Method:
    """The method with a prompt-decoupling term of this weight; the one it already has is replaced.

    Raises:
        UserError: The weight is negative, or the method does not train.
    """
    if weight < 0 or not method.terms:
        raise UserError(
            "Prompt decoupling cannot be added.",
            got=f"weight {weight:g}, method {method.name}",
            expected="a weight of 0 or more, and a method that trains",
            remedy="leave the weight at 0, or choose another method",
        )
    terms = tuple(term for term in method.terms if term.name != NAME)
    needs = {role: reason for role, reason in method.needs.items() if role != ROLE}
    line = method.loss_line.removesuffix(LINE)
    if weight:
        terms += (likelihood_term(NAME, (ROLE,), weight, side="retain"),)
        needs |= {ROLE: "prompt decoupling asks the forget prompts about other pictures"}
        line += LINE
    return replace(method, terms=terms, needs=needs, loss_line=line)


def po_pd(knobs: POPD) -> Method:
    """Fine-tuning on refusals with prompt decoupling."""
    method = with_decoupling(po(PO(weight=knobs.weight)), knobs.decoupled_weight)
    return replace(
        method,
        name="po_pd",
        title="Fine-tuning on refusals with prompt decoupling (PO + PD)",
        paper="arXiv 2502.12520",
        knobs=knobs,
        cost="one forward and backward per refusal, retain and decoupled row, none per forget row",
    )


METHODS = {"po_pd": (POPD, po_pd)}

"""VGID: distil what the target says when it can neither see nor know (arXiv 2606.00105).

    L = alpha * KL( target(. | noisy picture, "you do not know this" + prompt) || model )(forget)
      + beta * KL( target || model )(retain)

The teacher is the target itself, shown the picture under noise and told in front of the prompt that the
subject is unknown to it: no labels are needed, the answers only say at which positions the two are compared.
Each KL is a mean over a row's answer tokens, then over rows.

Noise level, instruction and weights were not to be found in print: those here are ours (``methods.views``).
``view`` takes another one: ``text`` shows the target no picture at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unsee.methods.grad_diff import retain_kl_loss, retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, Teacher, Term, knob


@dataclass(frozen=True)
class VGID:
    """Knobs of VGID."""

    alpha: float = knob(1.0, help="weight of the KL to the blinded target on the forget rows", source="ours")
    beta: float = knob(1.0, help="weight of the KL to the target on the retain rows", source="ours")
    view: Literal["noise", "text"] = knob(
        "noise", help="what the teacher sees of a forget row", source="arXiv 2606.00105"
    )


def vgid(knobs: VGID) -> Method:
    """VGID with these knobs."""
    blinded = Teacher("target", knobs.view)
    return Method(
        name="vgid",
        title="Visual-noise guided in-context distillation (VGID)",
        paper="arXiv 2606.00105",
        loss_line="alpha * KL(target(noisy) || model)(original) + beta * KL(target || model)(retain)",
        knobs=knobs,
        terms=(
            Term("blinded_kl", frozenset(FORGET_ROLES), knobs.alpha, retain_kl_loss, blinded),
            *retain_terms(knobs.beta, "kl"),
        ),
        cost="one reference forward per forget row and per retain row",
    )


METHODS = {"vgid": (VGID, vgid)}

"""Maximum entropy: say nothing in particular where the answers were (ME, arXiv 2410.08109).

    L = beta * KL(model || uniform)(forget) + weight * CE(retain),   KL(model || uniform) = log V - entropy

A fact-free target: any token is as likely as any other. As a defence of facts in vision-language models it
is in UnLOK-VQA (arXiv 2505.01456). The loss lies between 0 and log V, so it cannot run away; its gradient is
weak where the model is sure of its answer. ``direction`` forward takes KL(uniform || model) instead,
distillation from a uniform teacher: its gradient is the model's probability less 1/V, strongest where the
model is sure.

``paper`` and ``corrected`` (default) agree: mean over a row's answer tokens, then over rows.

``released_code`` (``grad_diff_forget_entropy_retain_ce`` of CLEAR, arXiv 2410.18057): L = + beta * entropy +
CE(retain). The sign is wrong, which makes the model *surer* of its answers; kept to show that it is so. There
the entropy is a sum over all positions of the batch, prompt and padding included; here over a row's answer
tokens, then a mean over rows.

Defaults: weights 1 and 1, as ours; CLEAR's beta is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, Term, Variant, knob
from unsee.objectives import confidence, entropy, forward_kl, uniform
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class MaxEntropy:
    """Knobs of maximum entropy."""

    variant: Variant = knob(
        "corrected",
        help="released_code: CLEAR's, which minimises the entropy; the others: mean KL to uniform",
        source="arXiv 2410.08109; CLEAR code",
    )
    direction: Literal["reverse", "forward"] = knob(
        "reverse",
        help="reverse: KL(model || uniform); forward: KL(uniform || model); not for released_code",
        source="arXiv 2410.08109; forward is ours",
    )
    beta: float = knob(1.0, help="weight of the forget term", source="ours; CLEAR code")
    weight: float = knob(
        1.0, help="weight of the cross-entropy on the retain rows", source="ours; CLEAR code"
    )


def confidence_loss(table: TokenTable, teacher: TokenTable | None = None) -> Tensor:
    """KL(model || uniform), averaged over each row's answer tokens: (R,)."""
    return table.mean_by_row(confidence(table.logits))


def uniform_loss(table: TokenTable, teacher: TokenTable | None = None) -> Tensor:
    """KL(uniform || model), averaged over each row's answer tokens: (R,)."""
    return table.mean_by_row(forward_kl(table.logits, uniform(table.logits)))


def released_entropy_loss(table: TokenTable, teacher: TokenTable | None = None) -> Tensor:
    """The entropy, summed over each row's answer tokens: (R,). Minimising it is CLEAR's sign error."""
    return table.sum_by_row(entropy(table.logits))


def max_entropy(knobs: MaxEntropy) -> Method:
    """Maximum entropy with these knobs."""
    released = knobs.variant == "released_code"
    plain = confidence_loss if knobs.direction == "reverse" else uniform_loss
    forget = released_entropy_loss if released else plain
    return Method(
        name="max_entropy",
        title="Maximum entropy",
        paper="arXiv 2410.08109, arXiv 2505.01456",
        loss_line="beta * KL(model || uniform)(original) + weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("entropy" if released else "confidence", frozenset(FORGET_ROLES), knobs.beta, forget),
            *retain_terms(knobs.weight, per_token=released),
        ),
        reduction=(
            "entropy: sum over a row's answer tokens, mean over rows; CE: mean over the step's answer tokens"
            if released
            else "mean over a row's answer tokens, then over rows"
        ),
        cost="one forward and backward per retain row",
    )


METHODS = {"max_entropy": (MaxEntropy, max_entropy)}

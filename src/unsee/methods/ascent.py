"""GA and GA+KL: gradient ascent on what the model says about the picture.

    ga:     L = - CE(original)
    ga_kl:  L = - CE(original) + weight * KL(reference || model)(retain)

Gradient ascent (Jang et al., arXiv 2210.01504; TOFU, arXiv 2401.06121) raises the loss of the original
answers; GA+KL holds the model to its reference on other rows (KL-minimising baseline of TOFU). Both are
baselines of SIU (arXiv 2405.12523, section 6). Differences from the baselines released with SIU: there the
picture is never passed to the model and factual questions are climbed as well; here the rows are naming and
yes/no questions about the picture, with the picture, and the KL is a mean per answer token, not over prompt
and padding.

The loss has no lower bound: it diverges when run long, so watch the retain probe. Defaults: weight 1 (TOFU).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.parts import RETAIN_ROLES, TARGET, Method, Term, knob
from unsee.objectives import answer_nll, forward_kl, mean_by_row
from unsee.packs.tokens import TokenTable

PAPER = "arXiv 2401.06121, baseline of arXiv 2405.12523"


@dataclass(frozen=True)
class GA:
    """Gradient ascent has no knobs."""


@dataclass(frozen=True)
class GAKL:
    """Knobs of GA+KL."""

    weight: float = knob(1.0, help="weight of the KL on the retain rows", source="TOFU, arXiv 2401.06121")


def ascent_loss(table: TokenTable, reference: TokenTable | None = None) -> Tensor:
    """Mean log-probability of each row's answer: (R,); minimising it climbs the answer's loss."""
    return -answer_nll(table.logits, table.labels, table.row, len(table.rows))


def stay_loss(table: TokenTable, reference: TokenTable | None) -> Tensor:
    """KL(reference || model), averaged over each row's answer tokens: (R,)."""
    assert reference is not None, "the KL needs the reference"
    return mean_by_row(forward_kl(table.logits, reference.logits), table.row, len(table.rows))


def ga(knobs: GA) -> Method:
    """Gradient ascent."""
    return Method(
        name="ga",
        title="Gradient ascent",
        paper=PAPER,
        loss_line="- CE(original)",
        knobs=knobs,
        terms=(Term("ascent", frozenset({"original"}), 1.0, ascent_loss),),
    )


def ga_kl(knobs: GAKL) -> Method:
    """Gradient ascent with a KL to the reference on the retain rows."""
    return Method(
        name="ga_kl",
        title="Gradient ascent + KL",
        paper=PAPER,
        loss_line="- CE(original) + weight * KL(reference || model)(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("ascent", frozenset({"original"}), 1.0, ascent_loss),
            Term("retain_kl", frozenset(RETAIN_ROLES), knobs.weight, stay_loss, TARGET),
        ),
    )


METHODS = {"ga": (GA, ga), "ga_kl": (GAKL, ga_kl)}

"""GA+KL: gradient ascent that stays close to the reference elsewhere (KL minimising, TOFU, arXiv 2401.06121).

    L = - CE(original) + weight * KL(reference || model)(retain)

A baseline of SIU (arXiv 2405.12523, section 6) and of most benchmarks. Differences from the baselines
released with SIU: there the picture is never passed to the model and factual questions are climbed as well;
here the rows are naming and yes/no questions about the picture, with the picture, and the KL is a mean per
answer token, not over prompt and padding.

The loss has no lower bound: it diverges when run long, so watch the retain probe. Default: weight 1 (TOFU).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.parts import RETAIN_ROLES, TARGET, Method, Term, knob
from unsee.objectives import answer_nll, forward_kl, mean_by_row
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class GAKL:
    """Knobs of GA+KL."""

    weight: float = knob(1.0, help="weight of the KL on the retain rows", source="TOFU, arXiv 2401.06121")


def climb_loss(table: TokenTable, reference: TokenTable | None = None) -> Tensor:
    """Mean log-probability of each row's answer: (R,); minimising it climbs the answer's loss."""
    return -answer_nll(table.logits, table.labels, table.row, len(table.rows))


def stay_loss(table: TokenTable, reference: TokenTable | None) -> Tensor:
    """KL(reference || model), averaged over each row's answer tokens: (R,)."""
    assert reference is not None, "the KL needs the reference"
    return mean_by_row(forward_kl(table.logits, reference.logits), table.row, len(table.rows))


def ga_kl(knobs: GAKL) -> Method:
    """Gradient ascent with a KL to the reference on the retain rows."""
    return Method(
        name="ga_kl",
        title="Gradient ascent + KL",
        paper="arXiv 2401.06121, baseline of arXiv 2405.12523",
        loss_line="- CE(original) + weight * KL(reference || model)(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("ascent", frozenset({"original"}), 1.0, climb_loss),
            Term("retain_kl", frozenset(RETAIN_ROLES), knobs.weight, stay_loss, TARGET, side="retain"),
        ),
    )


METHODS = {"ga_kl": (GAKL, ga_kl)}

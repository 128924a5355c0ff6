"""GA: gradient ascent on what the model says about the picture.

    L = - CE(original)

Gradient ascent (Jang et al., arXiv 2210.01504; TOFU, arXiv 2401.06121) raises the loss of the original
answers; a baseline of SIU (arXiv 2405.12523, section 6). Differences from the baselines released with SIU:
there the picture is never passed to the model and factual questions are climbed as well; here the rows are
naming and yes/no questions about the picture, with the picture.

The loss has no lower bound: it diverges when run long, so watch the retain probe.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.parts import Method, Term
from unsee.objectives import answer_nll
from unsee.packs.tokens import TokenTable

PAPER = "arXiv 2401.06121, baseline of arXiv 2405.12523"


@dataclass(frozen=True)
class GA:
    """Gradient ascent has no knobs."""


def ascent_loss(table: TokenTable, reference: TokenTable | None = None) -> Tensor:
    """Mean log-probability of each row's answer: (R,); minimising it climbs the answer's loss."""
    return -answer_nll(table.logits, table.labels, table.row, len(table.rows))


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


METHODS = {"ga": (GA, ga)}

"""PDU: flatten the forget answers subject to keeping the others (Entesari et al., arXiv 2506.05314).

    minimise  mean over tokens of (max_v z_v - mean_v z_v)^2 (forget)   subject to  CE(retain) <= epsilon
    L = margin(forget) + mu * CE(retain),   mu <- max(0, mu + eta * (CE(retain) - epsilon)) after each step

The margin needs no softmax, and its gradient does not vanish near the uniform distribution. The price mu of
the constraint rises while the retain rows are worse than allowed and falls while they are better.

Epsilon is ``slack`` times the retain loss of the first step, at least ``floor`` (the paper: (1 + tolerance)
times the loss of the model before unlearning; its runs on TOFU: .3). The released code counts the warm-up in
epochs and its forget term covers prompt and padding; here it counts steps and answer tokens.

Defaults: mu 50, eta 1 (the released runs on MUSE; on TOFU 100 and 5); the other three are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.ascent import above_zero
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, Term, knob
from unsee.methods.schedules import Dual
from unsee.objectives import margin
from unsee.packs.tokens import TokenTable

CODE = "released runs on MUSE"


@dataclass(frozen=True)
class PDU:
    """Knobs of PDU."""

    mu: float = knob(50.0, help="price of the retain loss at the start", source=CODE)
    eta: float = knob(1.0, help="step size of the price", source=CODE)
    slack: float = knob(
        1.5, help="how far the retain loss may rise, as a factor of its first value", source="ours"
    )
    floor: float = knob(0.1, help="least bound on the retain loss, in nats", source="ours")
    warmup: int = knob(0, help="steps in which the price stays", source="ours; epochs in the released code")


def margin_loss(table: TokenTable, teacher: TokenTable | None = None) -> Tensor:
    """Squared distance of the largest logit from the mean, averaged over each row's answer tokens: (R,)."""
    return table.mean_by_row(margin(table.logits))


def pdu(knobs: PDU) -> Method:
    """PDU with these knobs."""
    for name in ("mu", "eta", "slack"):
        above_zero("pdu", name, getattr(knobs, name))
    return Method(
        name="pdu",
        title="Primal-dual unlearning (PDU)",
        paper="arXiv 2506.05314",
        loss_line="(max z - mean z)^2 (original) + mu * CE(T3, T4, anchors), mu += eta * (CE - epsilon)",
        knobs=knobs,
        terms=(
            Term("margin", frozenset(FORGET_ROLES), 1.0, margin_loss),
            *retain_terms(1.0),
        ),
        cost="one forward and backward per retain row",
        schedule=Dual(knobs.mu, knobs.eta, knobs.slack, knobs.floor, knobs.warmup),
    )


METHODS = {"pdu": (PDU, pdu)}

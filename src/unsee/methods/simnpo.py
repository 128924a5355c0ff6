"""SimNPO: NPO without a reference (arXiv 2410.07163).

    L = forget_weight * -(2 / beta) log sigma(beta [CE(original) - gamma]) + weight * CE(retain)

The reference's log-probability of NPO is replaced by a constant margin and the answer's by its mean per
token: no second model, and short answers are not spared. The gradient is that of plain ascent times
2 sigma(-beta [CE - gamma]): it fades once the answer costs more than gamma nats per token.

Paper, released code and this form agree. Defaults: the authors' choice for TOFU forget10 (beta 4.5,
forget_weight .125, gamma 0); for forget05 they have beta 2.5 and forget_weight .1375.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unsee.methods.ascent import above_zero, bound_knob
from unsee.methods.grad_diff import retain_terms
from unsee.methods.parts import FORGET_ROLES, Method, Term, knob
from unsee.objectives import preference_loss
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class SimNPO:
    """Knobs of SimNPO."""

    beta: float = knob(
        4.5, help="how sharply the ascent fades beyond gamma", source="released code, forget10"
    )
    gamma: float = knob(
        0.0, help="loss, in nats per token, around which the ascent fades", source="released code"
    )
    forget_weight: float = knob(0.125, help="weight of the forget term", source="released code, forget10")
    weight: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source="released code")
    bound: float | None = bound_knob(None, "off: the weight brakes the ascent")


def simnpo_loss(table: TokenTable, beta: float, gamma: float) -> Tensor:
    """SimNPO of each row: (R,)."""
    return preference_loss(gamma + table.mean_by_row(table.logp), beta)


def simnpo(knobs: SimNPO) -> Method:
    """Reference-free negative preference optimisation."""
    beta = above_zero("simnpo", "beta", knobs.beta)

    def loss(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        return simnpo_loss(table, beta, knobs.gamma)

    return Method(
        name="simnpo",
        title="Simple negative preference optimisation (SimNPO)",
        paper="arXiv 2410.07163",
        loss_line="forget_weight * -(2/beta) log sigma(beta (CE(original) - gamma)) "
        "+ weight * CE(T3, T4, anchors)",
        knobs=knobs,
        terms=(
            Term("simnpo", frozenset(FORGET_ROLES), knobs.forget_weight, loss),
            *retain_terms(knobs.weight),
        ),
        cost="one forward and backward per retain row",
        stop_above=knobs.bound,
    )


METHODS = {"simnpo": (SimNPO, simnpo)}

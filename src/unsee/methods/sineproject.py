"""SineProject: another loss, with the projector changed only by a sine (arXiv 2511.18444).

    projector weights W become W + sin(D), D is trained;   L = NPO(original) + weight * CE(retain)

The sine keeps every entry within one of its start, which keeps the projector well conditioned while the loss
works on it together with the user's scope. The paper joins it with NPO (MLLMU-Bench) and with refusals plus
prompt decoupling (SafeEraser, arXiv 2502.12520): ``loss`` npo or po_pd. Differences from the paper: D starts
near zero instead of at random, as sin of a random D would change the model before the first step, and the
projector's biases stay as they are.

Defaults: those of ``npo`` and ``po_pd``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from unsee.methods.context import Context
from unsee.methods.decoupling import POPD, po_pd
from unsee.methods.npo import NPO, npo
from unsee.methods.parts import Method, Prepared, knob

PROJECTOR = ("projector",)


@dataclass(frozen=True)
class SineProject:
    """Knobs of SineProject."""

    loss: Literal["npo", "po_pd"] = knob(
        "npo", help="what makes the model forget: npo, or refusals with prompt decoupling", source="paper"
    )
    beta: float = knob(0.1, help="loss npo: how soon the ascent brakes", source="default of npo")
    weight: float = knob(1.0, help="weight of the cross-entropy on the retain rows", source="default of npo")


def with_sine(context: Context, method: Method) -> Prepared:
    """The user's scope and the projector under a sine."""
    return Prepared(method, scope=replace(context.scope, sine=PROJECTOR), notes={"sine": list(PROJECTOR)})


def sineproject(knobs: SineProject) -> Method:
    """A loss with the projector under a sine."""
    if knobs.loss == "npo":
        inner = npo(NPO(beta=knobs.beta, weight=knobs.weight))
    else:
        inner = po_pd(POPD(weight=knobs.weight))
    method = replace(
        inner,
        name="sineproject",
        title="Sine-modulated projector (SineProject)",
        paper="arXiv 2511.18444",
        loss_line=f"{inner.loss_line}; projector weights are W + sin(D)",
        knobs=knobs,
        cost=f"{inner.cost}; pictures are encoded in every step",
    )
    return replace(method, prepare=lambda context: with_sine(context, method))


METHODS = {"sineproject": (SineProject, sineproject)}

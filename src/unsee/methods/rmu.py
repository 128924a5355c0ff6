"""RMU: steer the hidden states of forget answers to nowhere (WMDP, arXiv 2403.03218).

    L = || h_l - c * u ||^2 (forget) + alpha * || h_l - h_l,target ||^2 (retain)

h_l is the output of decoder layer l at the positions that predict answer tokens, u one random unit vector
for the whole run (from the seed). With ``adaptive`` the step is measured by the state itself, c = steer *
||h_l,target|| (Adaptive RMU, arXiv 2408.06223), so one value fits models and layers whose states differ in
size: from 6.5 to 300 in WMDP's own runs.

``paper``: squared norm, so a sum over the D entries; u drawn from [0, 1) in each entry, all positive.
``released_code``: the same u, mean over the D entries. ``corrected`` (default): mean over entries; u in any
direction, as positive entries share a direction that says something to the model; adaptive. The released
code also steers prompt and padding; not reproduced, as a table of answer tokens does not hold them.

Layer: a third of the depth. WMDP's is 7 of 32; searches over vision-language models had 6, 11 and 16 of 32.
WMDP trains ``down_proj`` of layers l-2..l only: ``own_scope`` trains the MLPs of those layers; by default the
user's scope stands. Weights behind layer l get no gradient either way.

Defaults: steer 5 (adaptive) or 20 (else), alpha 1: ours; WMDP's alpha is 1200 at c = 6.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from unsee.methods.ascent import above_zero
from unsee.methods.context import Context
from unsee.methods.parts import FORGET_ROLES, RETAIN_ROLES, TARGET, Method, Prepared, Term, Variant, knob
from unsee.models.scopes import Scope
from unsee.nouns import UserError
from unsee.objectives import Reduction, random_direction, scaled_direction, state_error
from unsee.packs.tokens import TokenTable


@dataclass(frozen=True)
class RMU:
    """Knobs of RMU."""

    variant: Variant = knob(
        "corrected",
        help="paper: sum over entries; released_code: mean; both: positive u, not adaptive",
        source="WMDP, arXiv 2403.03218; its code; corrected is ours",
    )
    layer: int | None = knob(None, help="decoder layer, from 0; none = a third of the depth", source="ours")
    adaptive: bool | None = knob(
        None,
        help="steer by the norm of the target's state; none = yes in corrected, no in the others",
        source="arXiv 2408.06223",
    )
    steer: float | None = knob(
        None, help="length of the target state; none = 5 norms if adaptive, else 20", source="ours"
    )
    alpha: float = knob(1.0, help="weight of the retain rows' states", source="ours")
    own_scope: bool = knob(
        False,
        help="train the MLPs of layers l-2..l instead of the scope given",
        source="WMDP: their down_proj",
    )


def pick_layer(context: Context, asked: int | None, share: float, method: str) -> int:
    """The decoder layer asked for, or the one at this share of the depth.

    Raises:
        UserError: The model has no such layer.
    """
    depth = len(context.vlm.base.get_submodule(context.vlm.roles.layers))
    layer = int(share * depth) if asked is None else asked
    if not 0 <= layer < depth:
        raise UserError(
            f"{method}: the model has no such decoder layer",
            got=asked,
            expected=f"0..{depth - 1}",
            remedy="leave the knob layer out, or name another layer",
        )
    return layer


def mlp_scope(scope: Scope, first: int, last: int) -> Scope:
    """The user's scope narrowed to the MLPs of these decoder layers, both included."""
    return replace(scope, parts=(f"language.mlp[{max(0, first)}..{last}]",))


def stay_put_loss(
    table: TokenTable, teacher: TokenTable | None, layer: int, reduction: Reduction = "mean"
) -> Tensor:
    """Squared distance to the target's states, averaged over each row's answer tokens: (R,)."""
    assert teacher is not None, "the states need the target"
    error = state_error(table.states[layer], teacher.states[layer], reduction=reduction)
    return table.mean_by_row(error)


def rmu_terms(knobs: RMU, layer: int, direction: Tensor | None) -> tuple[Term, Term]:
    """The two terms at a layer, with the steering direction (D,), None until the model is known."""
    adaptive = knobs.variant == "corrected" if knobs.adaptive is None else knobs.adaptive
    length = knobs.steer if knobs.steer is not None else 5.0 if adaptive else 20.0
    reduction: Reduction = "sum" if knobs.variant == "paper" else "mean"

    def steer(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        assert direction is not None, "the direction is chosen by prepare"
        assert not adaptive or teacher is not None, "the adaptive norm needs the target"
        states = table.states[layer]
        measured = teacher.states[layer] if adaptive and teacher is not None else None
        goal = scaled_direction(direction.to(states.device), length, measured)
        return table.mean_by_row(state_error(states, goal, reduction=reduction))

    def stay(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        return stay_put_loss(table, teacher, layer, reduction)

    return (
        Term("steer", frozenset(FORGET_ROLES), 1.0, steer, TARGET if adaptive else None, layer=layer),
        Term("stay", frozenset(RETAIN_ROLES), knobs.alpha, stay, TARGET, side="retain", layer=layer),
    )


def rmu(knobs: RMU) -> Method:
    """RMU with these knobs; the layer and the direction are chosen when the model is known."""
    if knobs.steer is not None:
        above_zero("rmu", "steer", knobs.steer)

    def prepare(context: Context) -> Prepared:
        layer = pick_layer(context, knobs.layer, 1 / 3, "rmu")
        width = int(context.vlm.base.get_input_embeddings().weight.shape[1])
        u = random_direction(width, context.seed, positive=knobs.variant != "corrected")
        scope = mlp_scope(context.scope, layer - 2, layer) if knobs.own_scope else None
        return Prepared(method.with_terms(*rmu_terms(knobs, layer, u)), scope, notes={"layer": layer})

    method = Method(
        name="rmu",
        title="Representation misdirection (RMU)",
        paper="arXiv 2403.03218",
        loss_line="||h_l - c * u||^2 (original) + alpha * ||h_l - h_l,target||^2 (T3, T4, anchors)",
        knobs=knobs,
        terms=rmu_terms(knobs, knobs.layer or 0, None),
        reduction="mean over a row's answer tokens, then over rows",
        cost="one reference forward per row, one forward and backward per retain row",
        prepare=prepare,
    )
    return method


METHODS = {"rmu": (RMU, rmu)}

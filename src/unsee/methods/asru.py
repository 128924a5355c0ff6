"""ASRU, stage 1: steer the concept's hidden states to those of unknown things (arXiv 2605.15687).

    v = mean h_l(questions that the model refuses) - mean h_l(forget questions)
    L = || h_l - (h_l,target + scale * v) ||^2 (forget), in turns with
        alpha * || h_l - h_l,target ||^2 (retain)

h_l is the output of decoder layer l, v is measured on the target where it is about to answer: at the last
token of the prompt. The refused questions are the rows about other pictures (role ``anchor``) to which the
model's own answer holds one of ``marks``. Only stage 1; its second stage is reinforcement learning.

``paper`` and ``corrected`` (default): the forget loss acts on the state in which v was measured, or with
``positions`` all on every state that predicts an answer token; retain on every such state.
``released_code`` (guangjh/ASRU): both losses act on the last position of prompt *and answer*, under right
padding a padding token for all but the longest row of a batch; here on the last state that predicts an answer
token. It takes v from the model before fine-tuning; here there is only the target.

Layer: half the depth (17 in the released runs on Qwen3-VL). ``own_scope`` trains the MLP of that
layer (the code: its ``down_proj``). Defaults: scale 3, alpha 1: the released runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unsee.methods.context import Context
from unsee.methods.parts import FORGET_ROLES, RETAIN_ROLES, TARGET, Method, Prepared, Term, Variant, knob
from unsee.methods.rmu import mlp_scope, pick_layer
from unsee.methods.schedules import Alternate
from unsee.nouns import Example, UserError
from unsee.objectives import mean_by_row, state_error
from unsee.packs.tokens import TokenTable

Positions = Literal["first", "last", "all"]
MARKS = (
    *("not know", "n't know", "not recogni", "n't recogni", "not sure", "n't sure", "unknown", "sorry"),
    *("cannot", "can't", "unable", "not provide", "not possible", "no information", "no idea"),
)
REASON = "the direction is measured on questions about other pictures that the model refuses"


@dataclass(frozen=True)
class ASRU:
    """Knobs of ASRU's first stage."""

    variant: Variant = knob(
        "corrected",
        help="released_code: both losses on the last position; the others: see positions",
        source="ASRU code; corrected is ours",
    )
    layer: int | None = knob(None, help="decoder layer, from 0; none = half the depth", source="ASRU code")
    scale: float = knob(3.0, help="length of the step along the direction", source="ASRU code")
    alpha: float = knob(1.0, help="weight of the retain rows' states", source="ASRU code")
    positions: Positions = knob(
        "first",
        help="states that the forget loss moves: before the first, last or any answer token",
        source="ours",
    )
    every: int = knob(
        1, help="retain steps after each forget step", source="ours; code: retain per forget batch"
    )
    marks: tuple[str, ...] = knob(
        MARKS, help="an answer that holds one of these is a refusal", source="ours; code: not, no, sorry"
    )
    own_scope: bool = knob(
        False,
        help="train the MLP of that layer instead of the scope given",
        source="ASRU code: its down_proj",
    )


def at_positions(table: TokenTable, positions: Positions) -> Tensor:
    """(N,) bool: the states before the first, the last or any answer token of each row."""
    edge = torch.ones_like(table.row, dtype=torch.bool)
    changes = table.row[1:] != table.row[:-1]
    if positions == "first":
        edge[1:] = changes
    elif positions == "last":
        edge[:-1] = changes
    return edge


def refused(examples: Sequence[Example], marks: Sequence[str]) -> list[Example]:
    """The rows whose answer is a refusal."""
    texts = [(e, e.answer.casefold().replace("’", "'")) for e in examples]
    return [e for e, text in texts if any(mark.casefold() in text for mark in marks)]


def mean_state(context: Context, examples: Sequence[Example], layer: int) -> Tensor:
    """Mean over rows of the target's state at the end of the prompt: (D,) float32 on the CPU."""
    found = [
        table.states[layer][at_positions(table, "first")].float().cpu()
        for table in context.tables(examples, layers=(layer,))
    ]
    return torch.cat(found).mean(0)


def refusal_direction(context: Context, marks: Sequence[str], layer: int) -> tuple[Tensor, int]:
    """The direction v from the concept to what is refused, (D,), and the number of refused rows.

    Raises:
        UserError: The model refuses nothing about the other pictures.
    """
    unknown = refused(context.of("anchor"), marks)
    if not unknown:
        raise UserError(
            "asru needs questions that the model refuses",
            got=f"{len(context.of('anchor'))} answers about other pictures, none of them a refusal",
            expected="a retain picture about which the model says that it does not know",
            remedy="add pictures of unknown subjects to --retain, extend the knob marks, or use rmu",
        )
    away = mean_state(context, unknown, layer) - mean_state(context, context.of(*FORGET_ROLES), layer)
    return away, len(unknown)


def distance(table: TokenTable, goal: Tensor, layer: int, positions: Positions) -> Tensor:
    """Squared distance of the states to the goal (N, D), averaged over each row's positions: (R,)."""
    keep = at_positions(table, positions)
    return mean_by_row(state_error(table.states[layer], goal), table.row, len(table.rows), keep=keep)


def asru_terms(knobs: ASRU, layer: int, step: Tensor | None) -> tuple[Term, Term]:
    """The two terms at a layer; ``step`` (D,) is added to the target's states, None until it is measured."""
    released = knobs.variant == "released_code"

    def steer(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        assert teacher is not None, "the states need the target"
        assert step is not None, "the step is measured by prepare"
        goal = teacher.states[layer].float() + step.to(table.row.device)
        return distance(table, goal, layer, "last" if released else knobs.positions)

    def stay(table: TokenTable, teacher: TokenTable | None) -> Tensor:
        assert teacher is not None, "the states need the target"
        return distance(table, teacher.states[layer], layer, "last" if released else "all")

    return (
        Term("steer", frozenset(FORGET_ROLES), 1.0, steer, TARGET, layer=layer),
        Term("stay", frozenset(RETAIN_ROLES), knobs.alpha, stay, TARGET, side="retain", layer=layer),
    )


def asru(knobs: ASRU) -> Method:
    """ASRU's first stage; layer and direction are found when the model is known."""

    def prepare(context: Context) -> Prepared:
        layer = pick_layer(context, knobs.layer, 1 / 2, "asru")
        direction, count = refusal_direction(context, knobs.marks, layer)
        terms = asru_terms(knobs, layer, knobs.scale * direction)
        scope = mlp_scope(context.scope, layer, layer) if knobs.own_scope else None
        notes = {"layer": layer, "refused": count, "direction_norm": direction.norm().item()}
        return Prepared(method.with_terms(*terms), scope, notes=notes)

    method = Method(
        name="asru",
        title="Steering to the unknown (ASRU, stage 1)",
        paper="arXiv 2605.15687",
        loss_line="||h_l - (h_l,target + scale * v)||^2 (original), alpha * ||h_l - h_l,target||^2 (retain)",
        knobs=knobs,
        terms=asru_terms(knobs, knobs.layer or 0, None),
        reduction="mean over a row's chosen positions, then over rows",
        cost="one reference forward per row, one forward and backward per retain row; one pass to measure v",
        schedule=Alternate(knobs.every),
        needs={"anchor": REASON},
        prepare=prepare,
    )
    return method


METHODS = {"asru": (ASRU, asru)}

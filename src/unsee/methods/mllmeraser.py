"""MLLMEraser: steering towards refusal when the question shows the concept (Ding et al., arXiv 2510.04217).

    h <- h + strength * h_last W_l,   W_l = P (P' H_f' H_f P + gamma P' P)^+ P' H_f' [d_l .. d_l]'

For every steered decoder layer l: d_l = mean h_l(erasure) - mean h_l(recall), H_f the forget rows' states and
P the projection onto directions that the retain rows' states hardly use; every state is that of the prompt's
last token, at the output of l. All targets are the same d_l, so W_l has rank one and falls apart into a gate
and a direction: W_l = u d', with A = H_f P

    u = A' (A A' + gamma I)^-1 1        (n x n instead of D x D; equal by the push-through identity)

Solved in float64. No weight changes and nothing is trained; taking the hook off gives the target back. That
makes it suppression, not deletion: what the model knows stays in the weights.

Recall rows and forget rows are ``original``. The paper contrasts adversarially perturbed pictures that the
model recalls with prompts that it refuses. Here the erasure rows are rows about other pictures that the model
itself answers with a refusal (people unknown to it); without any, the forget rows' own questions about
noise in place of the picture. The direction can do no more than the model does in such cases: a model that
guesses there is steered to guess.

Variants:

``paper``         P spans the ``ratio`` * D right-singular vectors of the retain states H_r with the smallest
                  singular values. All layers. At prefill every prompt position is pushed by the last one's
                  state: earlier states then depend on the whole question, so no two questions share a
                  picture's prefix.
``released_code`` the same, with gate and direction measured at the input of block l (``hidden_states[l]``)
                  and used at its output, one block late; block 0 has no block before it and is left out, as
                  is layer 17, which the released lists of layers skip.
``corrected``     (default) P keeps the whole null space of H_r where that is more than ``ratio`` * D: with
                  fewer retain rows than D the paper's choice within the null space is arbitrary, and loses
                  most of the forget states. H_r holds the erasure rows too: a question alone is no reason to
                  push. One layer, halfway up: pushes of several layers add up, though each is measured on
                  states that no other has pushed. The last prompt token and the answer tokens are pushed, by
                  the same vector; earlier states stay, so packs and batches stay exact.

Defaults: ratio .3 and gamma .1 from the released settings; strength ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unsee.methods.context import Context
from unsee.methods.parts import ANCHOR_ROLES, RETAIN_ROLES, Method, Variant, knob
from unsee.models.hooks import Hook
from unsee.models.pictures import from_image
from unsee.models.steering import Push, Steering
from unsee.nouns import Example, Picture, UserError

States = Mapping[int, Tensor]  # (rows, D) float64 by layer
MARKS = (
    "i do not know",
    "i don't know",
    "i do not recogni",
    "i don't recogni",
    "i cannot",
    "i can't",
    "i am not sure",
    "i'm not sure",
    "i am not able",
    "i am sorry",
    "i'm sorry",
    "unable to",
    "no information",
    "not familiar with",
)
NOISES = 3  # noise pictures per forget row
SKIPPED = 17
NULL = 1e-9  # singular values below this share of the largest one count as zero


@dataclass(frozen=True)
class MLLMEraser:
    """Knobs of MLLMEraser."""

    variant: Variant = knob(
        "corrected", help="whose formulas: paper, released_code or corrected", source="corrected is ours"
    )
    layers: tuple[int, ...] = knob(
        (),
        help="decoder layers to steer; none = the one halfway up, or all in paper and released_code",
        source="halfway is ours; released: all but 17",
    )
    strength: float = knob(1.0, help="factor of the push", source="ours; the paper gives none per model")
    ratio: float = knob(
        0.3, help="share of directions that the gate may always read", source="released settings"
    )
    gamma: float = knob(0.1, help="ridge of the gate", source="released settings")
    refusals: tuple[str, ...] = knob(
        MARKS, help="an answer with one of these phrases is a refusal (erasure rows)", source="ours"
    )


def kept_out(
    retain: Tensor,  # (n, D) float64
    ratio: float,
    *,
    exactly: bool,
) -> Tensor:  # (D, m) orthonormal
    """Directions that the gate must not read, because retain states use them most.

    Args:
        retain: States of the retain rows, n may be 0.
        ratio: Share of the D directions that stay readable.
        exactly: Just this share, as in the paper; else everything that no retain state uses as well.
    """
    width = retain.shape[1]
    closed = width - round(ratio * width)
    _, values, basis = torch.linalg.svd(retain, full_matrices=exactly and closed > len(retain))
    if not exactly:
        used = int((values > NULL * values.max()).sum()) if len(values) else 0
        closed = min(closed, used)
    kept: Tensor = basis[:closed].T
    return kept


def gate(
    forget: Tensor,  # (n, D) float64
    closed: Tensor,  # (D, m) orthonormal
    gamma: float,
) -> Tensor:  # (D,)
    """The u of W = u d': ridge regression of 1 on the forget states, blind to the closed directions."""
    seen = forget - (forget @ closed) @ closed.T
    ridge = seen @ seen.T + gamma * torch.eye(len(seen), dtype=seen.dtype)
    u: Tensor = seen.T @ torch.linalg.pinv(ridge, hermitian=True).sum(dim=1)
    return u


def last_states(context: Context, examples: Sequence[Example], layers: Sequence[int]) -> States:
    """States of each row's last prompt token, (rows, D) by layer, in the order of the examples."""
    numbered = [replace(example, id=str(i)) for i, example in enumerate(examples)]
    found: dict[int, dict[int, Tensor]] = {layer: {} for layer in layers}
    for table in context.tables(numbered, layers=layers):
        for r, row in enumerate(table.rows):
            first = int((table.row == r).nonzero()[0])
            for layer in layers:
                found[layer][int(row.example)] = table.states[layer][first].double().cpu()
    width = int(context.vlm.base.get_input_embeddings().weight.shape[1])
    empty = torch.zeros(0, width, dtype=torch.float64)
    return {
        layer: torch.stack([rows[i] for i in range(len(examples))]) if examples else empty
        for layer, rows in found.items()
    }


def erasure_rows(context: Context, refusals: Sequence[str]) -> list[Example]:
    """Rows on which the model already does what it shall do: it refuses.

    Raises:
        UserError: There is none, and the forget rows have no picture to replace.
    """
    others = context.of(*ANCHOR_ROLES)
    refused = [e for e in others if any(mark in e.answer.lower() for mark in refusals)]
    noisy = [
        replace(e, picture=noise_like(e.picture, seed))
        for seed in range(NOISES)
        for e in context.of("original")
        if e.picture is not None
    ]
    if not refused and not noisy:
        raise UserError(
            "there is nothing to steer towards",
            got="forget rows without a picture, and no other row that the model answers with a refusal",
            expected="a picture of the concept, or rows with a refusal as their answer",
            remedy="give pictures of people whom the model does not know with --retain",
        )
    return refused or noisy


def noise_like(picture: Picture, seed: int) -> Picture:
    """Uniform noise of the picture's size."""
    width, height = picture.read().size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return from_image(Image.fromarray(pixels))


def layers_of(knobs: MLLMEraser, depth: int) -> tuple[int, ...]:
    """The decoder layers to steer, of ``depth``."""
    if knobs.layers:
        return knobs.layers
    if knobs.variant == "corrected":
        return (depth // 2,)
    skipped = SKIPPED if knobs.variant == "released_code" else None
    return tuple(layer for layer in range(depth) if layer != skipped)


def fit(context: Context, knobs: MLLMEraser) -> Steering:
    """Gates and directions of all steered layers.

    Raises:
        UserError: The model has no such layer, or there is nothing to steer towards.
    """
    depth = len(context.vlm.base.get_submodule(context.vlm.roles.layers))
    used = layers_of(knobs, depth)
    late = int(knobs.variant == "released_code")
    read = {layer: layer - late for layer in used if layer >= late}
    if not read:
        raise UserError(
            "no layer is left to steer",
            got=f"layers {', '.join(map(str, used))} in the variant {knobs.variant}",
            expected="a layer above 0, since that variant measures one block earlier",
            remedy="name further layers in --set knobs.layers",
        )
    layers = sorted(set(read.values()))
    forget = last_states(context, context.of("original"), layers)
    erasure = last_states(context, erasure_rows(context, knobs.refusals), layers)
    retain = last_states(context, context.of(*RETAIN_ROLES), layers)
    exactly = knobs.variant != "corrected"
    pushes = {}
    for layer, at in read.items():
        spared = retain[at] if exactly else torch.cat([retain[at], erasure[at]])
        u = gate(forget[at], kept_out(spared, knobs.ratio, exactly=exactly), knobs.gamma)
        direction = erasure[at].mean(dim=0) - forget[at].mean(dim=0)
        pushes[layer] = Push(u.float(), direction.float())
    return Steering(pushes, knobs.strength, "before" if exactly else "after")


def mllmeraser(knobs: MLLMEraser) -> Method:
    """Closed-form steering towards refusal."""

    def hook(context: Context) -> Hook:
        return fit(context, knobs)

    return Method(
        name="mllmeraser",
        title="Closed-form steering towards refusal (MLLMEraser)",
        paper="arXiv 2510.04217",
        loss_line="none: h <- h + strength * (h_last . u) d,  u blind to retain states, d = erasure - recall",
        knobs=knobs,
        terms=(),
        reduction="means over rows, states of the prompt's last token",
        cost="no training; one forward pass over the rows, a vector product per steered layer when answering",
        needs={"original": "they show the states that are steered"},
        pictured="it steers towards what the model says of noise in the picture's place",
        looks_at=("original", *RETAIN_ROLES),
        hook=hook,
    )


METHODS = {"mllmeraser": (MLLMEraser, mllmeraser)}

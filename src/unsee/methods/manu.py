"""MANU: zero the MLP neurons that tell the forget set's two modalities apart (arXiv 2502.15910).

No training. A neuron is one input z of the layer that closes an MLP (``down_proj``, ``fc2``). For the same
questions and answers with their picture (m) and without (t), over all positions:

    I_abs = |A_m - A_t| / (A_m + A_t + eps)      A = mean |z|
    I_freq = the same of the share of positions with |z| > tau
    I_var = sqrt(V_m + V_t)                      V = variance of z
    I_rms = sqrt(|E_m - E_t| / (E_m + E_t + eps))    E = mean z^2
    S = I(forget) / (I(retain) + eps),   I = I_abs + I_freq + I_var + I_rms

and the top ``share`` by S is switched off: its column in the closing layer becomes zero. ``paper`` and
``corrected`` (default) agree. Neurons of the vision tower have no text view (A_t = E_t = V_t = 0), and are
ranked apart from those of the language model. Retain rows are those with a picture; without any, I(forget)
alone decides.

``released_code`` computes something else: statistics of the *outputs* of every linear layer of an MLP, in the
last three layers only; the vision tower with pictures, the language model with text alone, so that no
modalities are compared; S = sum of w (forget / (retain + 1e-5) - 1) over mean |z| (w = 2), frequency (0),
standard deviation (2) and root mean square (2), as many retain as forget rows; output rows and biases become
zero. For ``down_proj`` and ``fc2`` these are dimensions of the residual stream. Not reproduced: all layers
noting their statistics under the same three names, means of batch statistics (here over all positions), and
values cut to +-1000.

Independent tests find little forgetting by pruning alone. Defaults: share .02, tau .1 and eps 1e-5 (code; the
paper finds 1 to 5 % best).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from unsee.methods.activations import Moments, activation_moments, mlp_layers
from unsee.methods.context import Context
from unsee.methods.parts import ANCHOR_ROLES, FORGET_ROLES, Method, Variant, knob
from unsee.methods.statistics import need_pictures, share_between, shown_rows
from unsee.nouns import Example

EPSILON = 1e-5
RELEASED_LAYERS = 3
TOWERS = ("language.mlp", "vision.mlp")


@dataclass(frozen=True)
class MANU:
    """Knobs of MANU."""

    variant: Variant = knob(
        "corrected", help="released_code: other statistics, other neurons (see the method)", source="paper"
    )
    share: float = knob(0.02, help="share of each tower's neurons set to zero", source="paper: .01 to .05")
    tau: float = knob(0.1, help="|z| above which a neuron counts as active", source="code")


def contrast(multi: Tensor, text: Tensor) -> Tensor:
    """|m - t| / (m + t + eps), elementwise."""
    return (multi - text).abs() / (multi + text + EPSILON)


def importance(multi: Moments, text: Moments) -> Tensor:
    """I of each neuron, (F,) float64: how differently it acts with and without the picture."""
    return (
        contrast(multi.mean_absolute, text.mean_absolute)
        + contrast(multi.frequency, text.frequency)
        + (multi.variance + text.variance).sqrt()
        + contrast(multi.mean_square, text.mean_square).sqrt()
    )


def released_score(forget: Moments, retain: Moments) -> Tensor:
    """The released code's score of each output, (F,) float64."""

    def ratio(lost: Tensor, kept: Tensor) -> Tensor:
        return 2.0 * (lost / (kept + EPSILON) - 1.0)

    return (
        ratio(forget.mean_absolute, retain.mean_absolute)
        + ratio(forget.variance.sqrt(), retain.variance.sqrt())
        + ratio(forget.mean_square.sqrt(), retain.mean_square.sqrt())
    )


def without_picture(examples: Sequence[Example]) -> list[Example]:
    """The same questions and answers as text alone."""
    return [replace(example, picture=None) for example in examples]


def paper_scores(context: Context, tower: str, tau: float) -> dict[str, Tensor]:
    """S of each neuron of a tower, by path of the closing layer."""
    paths = [layers[-1] for layers in mlp_layers(context.vlm, (tower,)).values()]

    def measure(examples: Sequence[Example]) -> dict[str, Tensor]:
        text = without_picture(examples) if tower.startswith("language") else []
        views = [
            activation_moments(context, rows, paths, positions="all", threshold=tau)
            for rows in (examples, text)
        ]
        return {path: importance(views[0][path], views[1][path]) for path in paths}

    forget = measure(need_pictures("MANU", shown_rows(context, *FORGET_ROLES)))
    retain = measure(shown_rows(context, *ANCHOR_ROLES))
    return {path: forget[path] / (retain[path] + EPSILON) for path in paths}


def released_scores(context: Context, tower: str, tau: float) -> dict[str, Tensor]:
    """The released code's scores of a tower, by path of each linear layer in its last three layers."""
    layers = mlp_layers(context.vlm, (tower,))
    paths = [path for role in list(layers)[-RELEASED_LAYERS:] for path in layers[role]]

    def measure(examples: Sequence[Example]) -> dict[str, Moments]:
        rows = without_picture(examples) if tower.startswith("language") else examples
        return activation_moments(context, rows, paths, site="output", positions="all", threshold=tau)

    rows = need_pictures("MANU", shown_rows(context, *FORGET_ROLES))
    forget, retain = measure(rows), measure(shown_rows(context, *ANCHOR_ROLES)[: len(rows)])
    return {path: released_score(forget[path], retain[path]) for path in paths}


def top_neurons(scores: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Indices of the neurons with the largest scores of all paths together, by path; at least one in all."""
    joined = torch.cat(list(scores.values()))
    chosen = torch.zeros(len(joined), dtype=torch.bool)
    chosen[joined.topk(max(1, round(share * len(joined)))).indices] = True
    parts = torch.split(chosen, [len(score) for score in scores.values()])
    return {path: part.nonzero()[:, 0] for path, part in zip(scores, parts, strict=True)}


@torch.no_grad()
def prune(context: Context, knobs: MANU) -> Mapping[str, Any]:
    """Switches the chosen neurons off and counts them."""
    released = knobs.variant == "released_code"
    score = released_scores if released else paper_scores
    chosen = {tower: top_neurons(score(context, tower, knobs.tau), knobs.share) for tower in TOWERS}
    for neurons in chosen.values():
        for path, places in neurons.items():
            layer = context.vlm.base.get_submodule(path)
            if not released:
                layer.weight[:, places] = 0
                continue
            layer.weight[places] = 0
            if layer.bias is not None:
                layer.bias[places] = 0
    return {
        f"{tower}_neurons": {path: len(places) for path, places in neurons.items() if len(places)}
        for tower, neurons in chosen.items()
    }


def manu(knobs: MANU) -> Method:
    """Modality-aware neuron pruning."""
    share_between("manu", knobs.share)
    return Method(
        name="manu",
        title="Modality-aware neuron unlearning (MANU)",
        paper="arXiv 2502.15910",
        loss_line="no loss: zero the top share of MLP neurons by I(original) / I(anchors)",
        knobs=knobs,
        terms=(),
        reduction="statistics over all positions of the rows",
        cost="no training; once, a forward per row with and one without its picture, for each tower",
        pictured="it looks at what the concept's picture does inside the model",
        looks_at=(*FORGET_ROLES, *ANCHOR_ROLES),
        edit=lambda context: prune(context, knobs),
        edit_scope=TOWERS,
    )


METHODS = {"manu": (MANU, manu)}

"""PAVA: unlearn where the picture becomes a name, and hold on to what can be seen (KAIST, 2026).

    L = NPO(original) + weight * CE(looks),   LoRA on the MLPs of the decoder layers with the largest effect
    effect(l) = S(MLP l restored) - S(other picture),   S = log p of the answer, summed over its tokens

("Where Identity Lives"; we know of no arXiv id and no released code.) Where: the concept's picture is swapped
for somebody else's, which costs the answer its likelihood; then the outputs of one layer's MLP at the image
tokens are put back as they were, and what the answer gains is the layer's effect. A quarter of the layers is
kept, the first two are never taken (in models of six layers or more). What is kept: questions about what can
be seen on the same picture, with the target's own answers (``looks``). No retain row is used for training.

The other picture comes from the anchors, resized to the same image tokens; without any it is the concept's
picture under noise. All forget rows share the tracing passes, as they share the picture.

Defaults: weight 3, a quarter of the layers, the first two skipped (paper); beta .1 is that of NPO, as the
paper's is not known to us. The paper has LoRA of rank 8, alpha 16, dropout .05: settings of the scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from unsee.methods.ascent import above_zero, likelihood_term
from unsee.methods.context import Context
from unsee.methods.npo import NPO, forget_term
from unsee.methods.parts import ANCHOR_ROLES, FORGET_ROLES, Method, Prepared, knob
from unsee.methods.statistics import need_pictures, shown_rows
from unsee.methods.views import noisy
from unsee.models.load import VLM
from unsee.models.pictures import from_image
from unsee.nouns import Example, Picture, UserError
from unsee.packs.families import evaluating
from unsee.packs.pack import Batch

SKIPPED, SKIP_FROM = 2, 6
KEPT_PART = 4


@dataclass(frozen=True)
class PAVA:
    """Knobs of PAVA."""

    beta: float = knob(0.1, help="how soon the ascent brakes", source="default of npo")
    weight: float = knob(3.0, help="weight of the cross-entropy on the looks rows", source="paper")
    layers: tuple[int, ...] = knob(
        (), help="decoder layers to train, counted from 0; empty = found by tracing", source="ours"
    )


def other_picture(context: Context, picture: Picture) -> Picture:
    """The picture that stands in for the concept's: somebody else's in the same size, or noise over it."""
    for example in shown_rows(context, *ANCHOR_ROLES):
        if example.picture is not None and example.picture.hash != picture.hash:
            return from_image(example.picture.read().resize(picture.read().size))
    return noisy(picture)


def decoder_mlps(vlm: VLM) -> list[nn.Module]:
    """The MLP of every decoder layer.

    Raises:
        UserError: A layer has none, or several.
    """
    mlps = [path for path, kind in vlm.roles.kinds.items() if kind == "mlp"]
    found: list[nn.Module] = []
    for layer in range(len(vlm.base.get_submodule(vlm.roles.layers))):
        paths = [path for path in mlps if vlm.roles.role_of(path) == f"language.mlp[{layer}]"]
        outer = [path for path in paths if not any(path.startswith(f"{other}.") for other in paths)]
        if len(outer) != 1:
            raise UserError(
                "the MLP of a decoder layer cannot be told",
                got=f"layer {layer}: {', '.join(outer) or 'none'}",
                expected="one MLP per layer",
                remedy="give the layers by hand with the knob layers",
            )
        found.append(vlm.base.get_submodule(outer[0]))
    return found


@contextmanager
def hooked(modules: Sequence[nn.Module], act: Callable[[int, Tensor], Tensor | None]) -> Iterator[None]:
    """Inside, ``act`` sees each module's output, by place, and may return another in its stead."""

    def listen(place: int) -> Callable[..., Tensor | None]:
        return lambda module, inputs, output: act(place, output)

    handles = [module.register_forward_hook(listen(place)) for place, module in enumerate(modules)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def answer_scores(context: Context, batch: Batch) -> Tensor:
    """S of each row of the batch: (R,)."""
    table = context.table(batch)
    return table.sum_by_row(table.logp)


def effects_on(context: Context, clean: Batch, corrupted: Batch, mlps: Sequence[nn.Module]) -> Tensor:
    """Effect of every layer on every row of a batch: (L, R) float32 on the CPU.

    Args:
        context: The target.
        clean: Rows with the concept's picture.
        corrupted: The same rows with the other picture.
        mlps: The MLP of every layer.
    """
    assert torch.equal(clean.input_ids, corrupted.input_ids), "both pictures must take the same image tokens"
    image = clean.input_ids == context.vlm.chat.image_token_id
    kept: dict[int, Tensor] = {}

    def keep(layer: int, output: Tensor) -> None:
        kept[layer] = output[image]

    with hooked(mlps, keep):
        answer_scores(context, clean)
    without = answer_scores(context, corrupted)
    gains = []
    for layer, mlp in enumerate(mlps):

        def restore(place: int, output: Tensor, values: Tensor = kept[layer]) -> Tensor:
            restored = output.clone()
            restored[image] = values
            return restored

        with hooked([mlp], restore):
            gains.append((answer_scores(context, corrupted) - without).cpu())
    return torch.stack(gains)


def trace(context: Context) -> Tensor:
    """Mean effect of every decoder layer over the forget rows: (L,) float32."""
    rows: dict[str, list[Example]] = {}
    for example in need_pictures("PAVA", shown_rows(context, *FORGET_ROLES)):
        assert example.picture is not None
        rows.setdefault(example.picture.hash, []).append(example)
    mlps = decoder_mlps(context.vlm)
    found = []
    with evaluating(context.vlm.model), torch.no_grad():
        for group in rows.values():
            assert group[0].picture is not None
            other = other_picture(context, group[0].picture)
            swapped = [replace(example, picture=other) for example in group]
            for clean, corrupted in zip(context.batches(group), context.batches(swapped), strict=True):
                found.append(effects_on(context, clean, corrupted, mlps))
    return torch.cat(found, dim=1).mean(1)


def choose_layers(effects: Sequence[float]) -> tuple[int, ...]:
    """A quarter of the layers, at least one, with the largest effects, in order."""
    first = SKIPPED if len(effects) >= SKIP_FROM else 0
    ranked = sorted(range(first, len(effects)), key=lambda layer: -effects[layer])
    return tuple(sorted(ranked[: max(1, len(effects) // KEPT_PART)]))


def locate(context: Context, method: Method, given: tuple[int, ...]) -> Prepared:
    """Restricts training to the MLPs of the layers found or given."""
    notes: dict[str, object] = {}
    layers = given
    if not given:
        effects = trace(context).tolist()
        layers = choose_layers(effects)
        notes["effects"] = effects
    scope = replace(context.scope, parts=tuple(f"language.mlp[{layer}]" for layer in layers), modules=())
    return Prepared(method, scope=scope, notes={"layers": list(layers), **notes})


def pava(knobs: PAVA) -> Method:
    """NPO on traced layers with an anchor of visible attributes."""
    beta = above_zero("pava", "beta", knobs.beta)
    method = Method(
        name="pava",
        title="Traced layers and visual anchor (PAVA)",
        paper="Where Identity Lives (KAIST, 2026); loss of arXiv 2404.05868",
        loss_line="NPO(original) + weight * CE(looks), MLPs of the traced decoder layers",
        knobs=knobs,
        terms=(
            forget_term(NPO(), beta),
            likelihood_term("looks_ce", ("looks",), knobs.weight, side="retain"),
        ),
        reduction="sum (NPO) or mean (looks) over a row's answer tokens, then mean over the term's rows",
        cost="once, a forward per layer over the forget rows; one reference forward per forget row; one "
        "forward and backward per looks row",
        looks_at=ANCHOR_ROLES,
    )
    return replace(method, prepare=lambda context: locate(context, method, knobs.layers))


METHODS = {"pava": (PAVA, pava)}

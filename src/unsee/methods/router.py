"""Router: one change of the weights per deletion request, in place only where the picture calls for it.

    answer(x) = (target + change_k)(x) where the picture of x looks like request k, else target(x)

After LUMoE (MLUBench, arXiv 2606.12809): an adapter per request, and a router that sends a question to the
request it belongs to or to the untouched model. There a commercial model is asked, twice, what the picture
shows. Here the target itself is asked: the router is a nearest prototype among the states in which a question
about the picture ends (``look`` question), or among its frozen vision features (``look`` vision), which know
less about who is shown; see ``models.routing``. It is as good as that: pictures of the concept in which the
target sees somebody else go to the target. Text-only questions always do.

That is suppression, not deletion: the target is there unchanged, and whoever holds the files takes the router
off. In exchange nothing about other pictures can get worse, and requests do not disturb each other.

The inner method trains on the run's rows as it would alone. Default ``po`` is what LUMoE's released code does
(fine-tuning on refusals); everything about the routing is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unsee.methods.context import Context
from unsee.methods.parts import ANCHOR_ROLES, Method, knob
from unsee.methods.registry import get
from unsee.models.hooks import Hook
from unsee.models.routing import Eye, make_expert
from unsee.models.routing import Router as Bank
from unsee.nouns import Picture, UserError

NAME, CONCEPT = "router", "original"


@dataclass(frozen=True)
class Router:
    """Knobs of the router."""

    method: str = knob(
        "po", help="method that trains the change of the weights", source="LUMoE's released code"
    )
    look: Literal["question", "vision"] = knob(
        "question",
        help="how pictures are compared: by the state in which a question about them ends, or as the vision "
        "tower sees them",
        source="ours",
    )
    layer: int | None = knob(
        None, help="decoder layer of that state; none = two thirds of the way up", source="ours"
    )
    margin: float = knob(
        0.5,
        help="threshold: 0 = the likeness of the nearest other picture, 1 = the concept's own picture",
        source="ours",
    )
    lone_threshold: float = knob(0.8, help="threshold (cosine) when no other picture is given", source="ours")


def eye_of(context: Context, knobs: Router) -> Eye:
    """How pictures are looked at: with the first question of the forget rows.

    Raises:
        UserError: The model has no such layer.
    """
    if knobs.look == "vision":
        return Eye()
    depth = len(context.vlm.base.get_submodule(context.vlm.roles.layers))
    layer = 2 * depth // 3 if knobs.layer is None else knobs.layer
    if not 0 <= layer < depth:
        raise UserError(
            "the model has no such decoder layer",
            got=layer,
            expected=f"0..{depth - 1}",
            remedy="name another one in --set knobs.layer",
        )
    return Eye(context.of(CONCEPT)[0].prompt, layer)


def pictures_of(context: Context) -> tuple[list[Picture], list[Picture]]:
    """The different pictures of the concept and those of something else, in the order of the rows."""
    shown = {e.picture.hash: e.picture for e in context.of(CONCEPT) if e.picture is not None}
    every = {e.picture.hash: e.picture for e in context.examples if e.picture is not None}
    return list(shown.values()), [picture for key, picture in every.items() if key not in shown]


def router(knobs: Router) -> Method:
    """One change of the weights, routed by the picture."""
    inner = inner_method(knobs.method)

    def hook(context: Context) -> Hook:
        shown, others = pictures_of(context)
        if not shown:
            raise UserError(
                "the router has no picture to know the concept by",
                got="forget rows without a picture",
                expected="a picture of the concept",
                remedy="give --image, or choose another method",
            )
        expert = make_expert(
            context.vlm,
            shown,
            others,
            context.train(inner, NAME),
            eye=eye_of(context, knobs),
            rank=context.scope.rank,
            margin=knobs.margin,
            alone=knobs.lone_threshold,
        )
        return Bank((expert,))

    return Method(
        name=NAME,
        title="One adapter per request, routed by the picture",
        paper="after arXiv 2606.12809",
        loss_line=f"that of {inner.name}, in place only on pictures that look like the concept's",
        knobs=knobs,
        terms=(),
        reduction=inner.reduction,
        cost=f"the training of {inner.name}; one forward pass per picture when answering, to route it",
        copies=inner.copies,
        needs={**inner.needs, CONCEPT: "the router learns the concept's picture from them"},
        pictured="it knows the concept by its picture",
        looks_at=tuple(sorted({*inner.roles, CONCEPT, *ANCHOR_ROLES})),
        hook=hook,
    )


def inner_method(name: str) -> Method:
    """The method that trains the change.

    Raises:
        UserError: No such method, or one that does not simply train.
    """
    inner = None if name == NAME else get(name)
    if inner is None or not inner.terms or inner.prepare is not None:
        raise UserError(
            "the router needs a method that trains and first looks at nothing",
            got=name,
            expected="a method with a loss, such as po or grad_diff",
            remedy="name another one in --set knobs.method",
        )
    return inner


METHODS = {NAME: (Router, router)}

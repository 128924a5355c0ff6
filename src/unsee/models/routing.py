"""A bank of changes to the weights, each in place only for questions about pictures that look like its own.

A picture is known by one vector of the target, taken by an :class:`Eye`: the state in which a question about
the picture ends, which is where the target recognises what it sees, or the mean of the vision features. A
centre is taken off (the state of the question without a picture, or the mean vector of other pictures), and
the rest is scaled to length one. A request takes the pictures whose cosine with its own picture is above its
threshold; among several, the one that is most above. Everything else, text-only questions too, goes to the
target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unsee.models.hooks import NO_ROUTE, TENSORS, Follow, Hook, Passage, unfit, write_note
from unsee.models.load import VLM
from unsee.nouns import Picture


@dataclass(frozen=True)
class Eye:
    """How a picture becomes a vector.

    Attributes:
        question: What is asked about it; empty = the mean of its language-ready vision features.
        layer: Decoder layer whose state at the question's end is taken.
    """

    question: str = ""
    layer: int = 0


@dataclass(frozen=True)
class Expert:
    """One deletion request.

    Attributes:
        eye: How pictures are looked at.
        changes: Change of each weight by parameter name, float32: the matrix, or a pair of factors whose
            product it is.
        centre: (D,) what is taken off every feature.
        prototype: (D,) feature of the request's picture, centred, of length one.
        threshold: Cosine above which a picture is taken for the concept.
    """

    eye: Eye
    changes: Mapping[str, Tensor | tuple[Tensor, Tensor]] = field(repr=False)
    centre: Tensor = field(repr=False)
    prototype: Tensor = field(repr=False)
    threshold: float

    def above(self, feature: Tensor) -> float:
        """How far the cosine of a picture's feature (D,) lies above the threshold."""
        return cosine(feature, self.centre, self.prototype) - self.threshold


@dataclass(frozen=True)
class Router(Hook):
    """Several requests, each with its own change of the weights."""

    experts: tuple[Expert, ...]
    seen: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What it is called in records."""
        return "router"

    @property
    def empty(self) -> bool:
        """Whether some request changes nothing."""
        return not self.experts or not all(
            any(bool(change_of(c).any()) for c in expert.changes.values()) for expert in self.experts
        )

    def route(self, vlm: VLM, picture: Picture | None) -> str:
        """The number of the request that takes the picture, or none."""
        if picture is None:
            return NO_ROUTE
        if picture.hash not in self.seen:
            features = {expert.eye: feature_of(vlm, picture, expert.eye) for expert in self.experts}
            above = [expert.above(features[expert.eye]) for expert in self.experts]
            best = max(range(len(above)), key=above.__getitem__)
            self.seen[picture.hash] = str(best) if above[best] > 0 else NO_ROUTE
        return self.seen[picture.hash]

    @contextmanager
    def at_work(self, vlm: VLM, passage: Passage) -> Iterator[Follow]:
        """Inside, the weights are those of the passage's route; outside, the target's own tensors."""
        changes = {} if passage.route == NO_ROUTE else self.experts[int(passage.route)].changes
        named = dict(vlm.model.named_parameters())
        values = {name: named[name].data for name in changes}
        try:
            for name, change in changes.items():
                own = values[name]
                named[name].data = (own.float() + change_of(change, own.device)).to(own.dtype)
            yield lambda rows: None
        finally:
            for name, value in values.items():
                named[name].data = value

    def install(self, vlm: VLM) -> VLM:
        """The model with these requests; nothing is known yet about any picture.

        Raises:
            UserError: A weight that the model does not have.
        """
        shapes = {name: tuple(parameter.shape) for name, parameter in vlm.model.named_parameters()}
        for expert in self.experts:
            for name, change in expert.changes.items():
                if tuple(change_of(change).shape) != shapes.get(name):
                    raise unfit("the hook changes a weight that the model lacks", name, "its weights")
        return replace(vlm, hook=replace(self, seen={}))

    def remove(self, vlm: VLM) -> VLM:
        """The model without it."""
        return replace(vlm, hook=None)

    def save(self, folder: Path) -> None:
        """Write all requests."""
        tensors: dict[str, Tensor] = {}
        listed = []
        for i, expert in enumerate(self.experts):
            tensors[f"{i}/centre"], tensors[f"{i}/prototype"] = expert.centre, expert.prototype
            for name, change in expert.changes.items():
                parts = (
                    {"change": change} if isinstance(change, Tensor) else dict(zip("lr", change, strict=True))
                )
                tensors |= {f"{i}/{part}/{name}": tensor for part, tensor in parts.items()}
            listed.append({"threshold": expert.threshold, "eye": asdict(expert.eye)})
        save_file(
            {k: t.contiguous() for k, t in tensors.items()}, folder / TENSORS, metadata={"format": "pt"}
        )
        write_note(folder, {"kind": "router", "requests": listed})


def join(*routers: Router) -> Router:
    """One router with the requests of several, in order."""
    return Router(tuple(expert for router in routers for expert in router.experts))


@torch.no_grad()
def feature_of(vlm: VLM, picture: Picture | None, eye: Eye) -> Tensor:
    """(D,) float32 on the CPU: the picture's vector, or that of no picture at all."""
    if eye.question:
        return _state(vlm, picture, eye)
    if picture is None:
        width = int(vlm.base.get_input_embeddings().weight.shape[1])
        return torch.zeros(width)
    inputs = _on_device(vlm, vlm.chat.vision_inputs(picture))
    found = vlm.base.model.get_image_features(**inputs, return_dict=True).pooler_output
    rows = found if isinstance(found, Tensor) else torch.cat([part.flatten(0, -2) for part in found])
    return rows.flatten(0, -2).float().mean(dim=0).cpu()


def _state(vlm: VLM, picture: Picture | None, eye: Eye) -> Tensor:
    heard: list[Tensor] = []

    def hear(module: nn.Module, inputs: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        heard.append(states[0, -1].float().cpu())

    if picture is None:
        row = {"input_ids": torch.tensor([vlm.chat.encode(eye.question).ids])}
    else:
        row = vlm.chat.official_row(eye.question, picture)
        row.pop("labels", None)
    handle = vlm.base.get_submodule(vlm.roles.layers)[eye.layer].register_forward_hook(hear)
    try:
        vlm.base.model(**_on_device(vlm, row), use_cache=False)
    finally:
        handle.remove()
    return heard[0]


def _on_device(vlm: VLM, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        key: value.to(vlm.device, vlm.dtype if value.is_floating_point() else value.dtype)
        for key, value in inputs.items()
    }


def cosine(feature: Tensor, centre: Tensor, prototype: Tensor) -> float:
    """Cosine of a feature (D,), centred, with a prototype of length one."""
    return float(torch.nn.functional.normalize(feature - centre, dim=0) @ prototype)


def change_of(change: Tensor | tuple[Tensor, Tensor], device: torch.device | str = "cpu") -> Tensor:
    """The change as a tensor of the weight's shape, multiplied out where it is needed."""
    if isinstance(change, Tensor):
        return change.to(device)
    left, right = change
    return left.to(device) @ right.to(device)


def factors(
    change: Tensor,  # (m, n) float32
    rank: int,
    *,
    tolerance: float = 1e-5,
) -> Tensor | tuple[Tensor, Tensor]:
    """The change as (m, r) @ (r, n) where its rank is no more than ``rank``, else as it is.

    Args:
        change: A matrix or any other tensor.
        rank: Rank that it is believed to have.
        tolerance: Largest error, as a share of the change's norm.
    """
    if change.dim() != 2 or rank * sum(change.shape) >= change.numel():
        return change
    chance = torch.Generator().manual_seed(0)
    sketch = change @ torch.randn(change.shape[1], rank, generator=chance)
    left = torch.linalg.qr(sketch).Q
    right = left.T @ change
    close = (change - left @ right).norm() <= tolerance * change.norm()
    return (left, right) if bool(close) else change


def read(data: dict[str, Any], folder: Path) -> Router:
    """The router that ``save`` wrote."""
    tensors = load_file(str(folder / TENSORS))
    return Router(tuple(_expert(i, entry, tensors) for i, entry in enumerate(data["requests"])))


def _expert(i: int, entry: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Expert:
    changes: dict[str, Tensor | tuple[Tensor, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, rest = key.partition("/")
        part, _, name = rest.partition("/")
        if number != str(i) or not name:
            continue
        if part == "change":
            changes[name] = tensor
        elif part == "l":
            changes[name] = (tensor, tensors[f"{i}/r/{name}"])
    return Expert(
        Eye(str(entry["eye"]["question"]), int(entry["eye"]["layer"])),
        changes,
        tensors[f"{i}/centre"],
        tensors[f"{i}/prototype"],
        float(entry["threshold"]),
    )


def make_expert(
    vlm: VLM,
    pictures: Sequence[Picture],
    others: Sequence[Picture],
    changes: Mapping[str, Tensor],
    *,
    eye: Eye,
    rank: int,
    margin: float,
    alone: float,
) -> Expert:
    """One request.

    Args:
        vlm: The target.
        pictures: Of the concept; at least one.
        others: Of something else; may be empty.
        changes: Change of each weight.
        eye: How pictures are looked at.
        rank: Rank that matrices among the changes may have.
        margin: Where the threshold lies between the nearest other picture (0) and the concept's own (1).
        alone: The threshold when there is no other picture.
    """
    shown = torch.stack([feature_of(vlm, picture, eye) for picture in pictures])
    known = [feature_of(vlm, picture, eye) for picture in others]
    # The state of a question holds much of the question itself, whatever the picture.
    apart = eye.question or not known
    centre = feature_of(vlm, None, eye) if apart else torch.stack(known).mean(dim=0)
    prototype = torch.nn.functional.normalize(shown.mean(dim=0) - centre, dim=0)
    nearest = [cosine(feature, centre, prototype) for feature in known]
    threshold = max(nearest) + margin * (1 - max(nearest)) if nearest else alone
    small = {weight: factors(change, rank) for weight, change in changes.items()}
    return Expert(eye, small, centre, prototype, threshold)

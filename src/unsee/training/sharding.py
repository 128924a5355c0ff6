"""Fully sharded training (FSDP2): every process holds a part of the decoder, its gradients and optimiser.

Only the decoder's layers are split, where nearly all weights of a large model are. Embeddings, head, vision
and projector stay whole everywhere: teachers read the head, and vision features the tower, outside of a
forward pass. The layers are split in a copy of the decoder's modules that shares its weights; the model's own
modules take the trained weights back when training ends, so nothing of FSDP is left behind.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from accelerate.utils import reduce
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from unsee.methods.parts import Method
from unsee.models.load import VLM
from unsee.models.processes import asks_for_shards, count
from unsee.models.roles import PEFT_PREFIX
from unsee.nouns import UserError
from unsee.packs.everywhere import DIVERGENCES
from unsee.packs.vision import skipped_without_pictures
from unsee.training.settings import TrainSettings


def is_sharded(settings: TrainSettings) -> bool:
    """Whether training splits the decoder: as set, else as the launcher's configuration asks."""
    asked = asks_for_shards() if settings.shard is None else settings.shard
    return count() > 1 and asked


def check_shards(vlm: VLM, method: Method, *, gated: bool) -> None:
    """Refuse what cannot be trained in shards.

    Args:
        vlm: The model.
        method: What trains.
        gated: Whether the method masks single entries of the weights.

    Raises:
        UserError: Masks, a pass of the target in every step, weights in 4 bits, or logits that are changed
            behind the head.
    """
    text = vlm.base.config.get_text_config()
    reasons = {
        "a method that lets chosen entries of the weights move": gated,
        "a method that compares with the target at every position": any(
            term.everywhere in DIVERGENCES for term in method.terms
        ),
        "weights in 4 bits": bool(getattr(vlm.base, "is_loaded_in_4bit", False)),
        "a model that changes its logits behind the head": bool(getattr(text, "final_logit_softcapping", 0)),
    }
    for what, refused in reasons.items():
        if refused:
            raise UserError(
                "This cannot be trained in shards.",
                got=what,
                expected="whole weights in every process",
                remedy="give --set training.shard=false",
            )


@contextmanager
def split(vlm: VLM) -> Iterator[VLM]:
    """Inside, the decoder's layers are split over the processes; afterwards every process has all weights.

    When the block fails the model must not be used any more.

    Args:
        vlm: The model, what is trained attached. The one inside is the same model; its ``originals`` are
            those of whole weights only.
    """
    place = vlm.roles.decoder
    whole = vlm.base.get_submodule(place)
    shared = {id(tensor): tensor for tensor in (*whole.parameters(), *whole.buffers())}
    twin = copy.deepcopy(whole, shared)
    vlm.base.set_submodule(place, twin)
    layers = vlm.base.get_submodule(vlm.roles.layers)
    skipped = skipped_without_pictures(vlm)
    parted = [layer for i, layer in enumerate(layers) if i not in skipped]
    inside = {id(p) for layer in parted for p in layer.parameters()}
    outside = {p for p in twin.parameters() if id(p) not in inside}
    mesh = init_device_mesh(vlm.device.type, (count(),))
    for module in (*parted, twin):
        fully_shard(module, mesh=mesh, reshard_after_forward=True, ignored_params=outside)
        module.set_force_sum_reduction_for_comms(True)
        module.set_gradient_divide_factor(1.0)  # gradients are added up, as those of whole weights
    for parameter in whole.parameters():
        if id(parameter) in inside:
            parameter.data = parameter.data.new_empty(0)
    names = {n.removeprefix(PEFT_PREFIX) for n, p in vlm.model.named_parameters() if isinstance(p, DTensor)}
    yield replace(vlm, originals={n: t for n, t in vlm.originals.items() if n not in names})
    now = dict(twin.named_parameters())
    for name, parameter in whole.named_parameters():
        if isinstance(now[name], DTensor):
            parameter.data = full(now[name])
    vlm.base.set_submodule(place, whole)


def full(tensor: Tensor) -> Tensor:
    """The whole tensor; of a sharded one its parts are fetched, so every process must ask."""
    tensor = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return tensor.detach()


def like(value: Tensor, parameter: Tensor) -> Tensor:
    """A whole tensor, split as the parameter is."""
    if not isinstance(parameter, DTensor):
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of every trained weight, whole, on the CPU; every process must ask."""
    return {n: full(p).cpu().contiguous() for n, p in model.named_parameters() if p.requires_grad}


def put_weights(model: nn.Module, saved: dict[str, Tensor]) -> None:
    """Sets every trained weight."""
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert saved.keys() == trained.keys(), sorted(saved.keys() ^ trained.keys())[:3]
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(like(saved[name], parameter))


def save_whole_states(optimizer: torch.optim.Optimizer) -> None:
    """From here on ``state_dict`` holds whole tensors, and ``load_state_dict`` takes them.

    A checkpoint is then the same file on any number of processes.
    """

    def gather(_: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        kept = {i: {k: _full_value(v) for k, v in values.items()} for i, values in state["state"].items()}
        return {**state, "state": kept}

    def spread(owner: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        parameters = [p for group in owner.param_groups for p in group["params"]]
        kept = {
            i: {k: _like_value(v, parameters[int(i)]) for k, v in values.items()}
            for i, values in state["state"].items()
        }
        return {**state, "state": kept}

    optimizer.register_state_dict_post_hook(gather)
    optimizer.register_load_state_dict_pre_hook(spread)


def _full_value(value: Any) -> Any:
    return full(value) if isinstance(value, Tensor) else value


def _like_value(value: Any, parameter: Tensor) -> Any:
    same = isinstance(value, Tensor) and value.shape == parameter.shape
    return like(value, parameter) if same else value


@torch.no_grad()
def clip_gradients(model: nn.Module, most: float) -> Tensor:
    """Scales the gradients of split and whole weights to a common norm of at most ``most``.

    Returns:
        The norm before, a scalar, the same in every process.
    """
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    parts = [grad.to_local() for grad in grads if isinstance(grad, DTensor)]
    whole = [grad for grad in grads if not isinstance(grad, DTensor)]
    device = grads[0].device
    mine = torch.stack([torch.zeros((), device=device), *(p.float().pow(2).sum() for p in parts)]).sum()
    norm = torch.stack([reduce(mine, "sum"), *(grad.float().pow(2).sum() for grad in whole)]).sum().sqrt()
    scale = (most / (norm + 1e-6)).clamp(max=1.0)
    for grad in (*parts, *whole):
        grad.mul_(scale.to(grad.dtype))
    return norm

"""``unsee doctor --model X``: what a training run will take, and which cards it fits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import torch

from unsee.config import RunConfig
from unsee.jobs.training import method_of, scope_of, settings_of
from unsee.models.load import VLM, choose_device, choose_dtype
from unsee.models.skeleton import Skeleton, skeleton
from unsee.nouns import UserError
from unsee.training.memory import Memory, predict
from unsee.training.settings import TrainSettings

GIB = 2**30
CARDS = (24, 40, 80)
# The CUDA context, the library's workspaces and what the allocator cannot use: a rule of thumb, not measured.
CONTEXT, WASTE = 1 * GIB, 0.1
# Below this share of the machine's memory for the weights alone nothing is worth predicting.
SMALL = 0.02


def predict_run(
    vlm: VLM, config: RunConfig, settings: TrainSettings | None = None, *, quantised: bool | None = None
) -> Memory:
    """Memory at the peak of a run.

    Args:
        vlm: The model of the configuration, from ``models.skeleton``.
        config: The configuration.
        settings: Other training settings than the configuration's.
        quantised: Whether the base is kept in 4 bits; None = as the configuration says.
    """
    method = method_of(config)
    return predict(
        vlm,
        settings_of(config) if settings is None else settings,
        copies=len({teacher.model for teacher in method.teachers} - {"target"}),
        reference=bool(method.teachers),
        answer=config.evaluation.max_new_tokens,
        quantised=config.training.quantize == "4bit" if quantised is None else quantised,
    )


def memory_lines(config: RunConfig) -> Iterator[str]:
    """The prediction as text: weights by role, every part, and which cards it fits, as set and with less.

    Raises:
        UserError: No model, or one that does not read pictures.
    """
    if config.embedded:
        raise UserError(
            "there is no model to predict for",
            got="no --model",
            expected="a folder or hub id",
            remedy="name it with --model; the embedded one fits everywhere",
        )
    vlm = _skeleton(config).vlm
    found = predict_run(vlm, config)
    yield f"memory of {config.method} on {config.model} ({_dtype(config)}, predicted from shapes)"
    yield "  weights by role: " + ", ".join(f"{role} {count:,}" for role, count in found.roles.items())
    for name, value in found.parts.items():
        if value:
            yield f"  {name:<12} {value / GIB:8.2f} GiB"
    yield f"  {'total':<12} {found.total / GIB:8.2f} GiB, with allowance {needed(found) / GIB:.1f} GiB"
    yield "fits a card of:"
    for title, memory in _choices(vlm, config, found):
        fits = ", ".join(f"{card} GB {'yes' if needed(memory) <= card * GIB else 'no'}" for card in CARDS)
        yield f"  {title}: {fits} ({needed(memory) / GIB:.1f} GiB)"


def needed(memory: Memory) -> float:
    """Bytes a card must have: the prediction and an allowance."""
    return memory.total * (1 + WASTE) + CONTEXT


def check_memory(config: RunConfig) -> None:
    """Refuses a run that will not fit, before any weight is read.

    Raises:
        UserError: More is predicted than the device has; ``force`` goes on all the same.
    """
    if config.embedded or config.force:
        return
    device = choose_device(config.device)
    room = available(device)
    try:
        model = _skeleton(config)
    except UserError:  # loading says it better
        return
    if not room or model.stored < SMALL * room:
        return
    settings = settings_of(config)
    if settings.checkpointing is None and device.type == "cuda":  # it is switched on where it is needed
        settings = replace(settings, checkpointing=True)
    found = predict_run(model.vlm, config, settings)
    if needed(found) > room:
        raise UserError(
            "not enough memory is predicted for this run",
            got=f"{needed(found) / GIB:.1f} GiB needed, {room / GIB:.1f} GiB on {device}",
            expected="a run that fits",
            remedy="see `unsee doctor --model ...`; try --set training.checkpointing=true, --set "
            "training.forward_tokens=2048, a lower scope.rank, or go on with --force",
        )


def available(device: torch.device) -> int:
    """Bytes of memory of a device, 0 where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "cpu" and hasattr(os, "sysconf"):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0


def _choices(vlm: VLM, config: RunConfig, found: Memory) -> Iterator[tuple[str, Memory]]:
    """As configured, then with each thing that saves memory, one on top of the other."""
    yield "as configured", found
    settings = settings_of(config)
    quantised = config.training.quantize == "4bit"
    if not settings.checkpointing:
        settings = replace(settings, checkpointing=True)
        yield "training.checkpointing=true", predict_run(vlm, config, settings)
    if settings.forward_tokens > 2048:
        settings = replace(settings, forward_tokens=2048)
        yield "and training.forward_tokens=2048", predict_run(vlm, config, settings)
    if not quantised and not scope_of(config).full:
        yield "and training.quantize=4bit", predict_run(vlm, config, settings, quantised=True)


def _dtype(config: RunConfig) -> torch.dtype:
    """The type on a card, whatever this machine has."""
    return choose_dtype(config.dtype, torch.device("cuda"))


def _skeleton(config: RunConfig) -> Skeleton:
    return skeleton(
        config.model,
        _dtype(config),
        revision=config.revision or None,
        trust_remote_code=config.trust_remote_code,
    )

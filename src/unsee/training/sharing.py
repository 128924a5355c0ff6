"""The packs of one step divided over processes, and their gradients added up.

Every process knows all packs of a step and takes its share of them. Each term's normaliser counts the rows of
the whole step, so the sum of what the processes find is the loss of one process, and so is the sum of the
gradients; nothing is averaged. Processes without a pack add nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from accelerate.utils import broadcast, reduce
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from unsee.models.processes import count
from unsee.packs.pack import Pack
from unsee.packs.rows import Row

BUCKET = 2**26  # numbers that are sent at once


def shares(
    packs: Sequence[Pack], processes: int, *, key: Callable[[Row], str] | None = None
) -> list[list[Pack]]:
    """The packs of each process, about as many tokens for each; the same answer in every process.

    Args:
        packs: Of one step.
        processes: How many.
        key: Rows with the same key stay together in one process.
    """
    found: list[list[Pack]] = [[] for _ in range(processes)]
    loads = [0] * processes
    for unit in sorted(_units(packs, key), key=_tokens, reverse=True):
        least = loads.index(min(loads))
        found[least] += unit
        loads[least] += _tokens(unit)
    return found


def _tokens(packs: Iterable[Pack]) -> int:
    return sum(len(pack) for pack in packs)


def _units(packs: Sequence[Pack], key: Callable[[Row], str] | None) -> list[list[Pack]]:
    """Packs that must not be parted."""
    units: list[tuple[set[str], list[Pack]]] = []
    for pack in packs:
        keys = set() if key is None else {key(row) for row in pack.rows}
        joined = [pack]
        for other in [other for other in units if other[0] & keys]:
            units.remove(other)
            keys, joined = other[0] | keys, other[1] + joined
        units.append((keys, joined))
    return [unit for _, unit in units]


def add_gradients(model: nn.Module) -> None:
    """Replaces every gradient by its sum over all processes; weights that no process reached keep none.

    Gradients of sharded weights are left alone: they were added up when they were shared out.
    """
    if count() == 1:
        return
    whole = [p for p in model.parameters() if p.requires_grad and not isinstance(p, DTensor)]
    if not whole:
        return
    reached = torch.tensor([float(p.grad is not None) for p in whole], device=whole[0].device)
    used = reduce(reached, "sum").tolist()
    parameters = [p for p, many in zip(whole, used, strict=True) if many]
    for p in parameters:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    for bucket in _buckets(parameters):
        total = reduce(torch.cat([_grad(p).flatten() for p in bucket]), "sum")
        for p, part in zip(bucket, total.split([p.numel() for p in bucket]), strict=True):
            _grad(p).copy_(part.view_as(p))


def start_alike(model: nn.Module) -> None:
    """Sets every trained weight to the leader's."""
    if count() > 1:
        broadcast([p.data for p in model.parameters() if p.requires_grad])


def _grad(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterable[list[nn.Parameter]]:
    """Parameters of one type, about ``BUCKET`` numbers at a time."""
    bucket: list[nn.Parameter] = []
    for p in parameters:
        if bucket and (p.dtype != bucket[0].dtype or sum(q.numel() for q in bucket) + p.numel() > BUCKET):
            yield bucket
            bucket = []
        bucket.append(p)
    if bucket:
        yield bucket

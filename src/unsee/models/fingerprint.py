"""A fingerprint of a model's weights, so that an adapter finds its own base again.

Up to ``WHOLE_BYTES`` of weights every byte is hashed. Larger models are hashed by tensor name, type, shape
and ``BLOCKS`` blocks of ``BLOCK_BYTES`` spread evenly over each tensor: a different training run changes
nearly every value and is seen; a change of a handful of single values may not be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

WHOLE_BYTES = 256 * 2**20
BLOCKS = 8
BLOCK_BYTES = 4096


class _Place(NamedTuple):
    name: str
    kind: str
    shape: tuple[int, ...]
    file: Path
    start: int
    size: int


def hash_files(files: Sequence[Path]) -> str:
    """Sha256 (hex) of the tensors in safetensors files; how they are spread over files does not matter."""
    places = sorted(place for file in files for place in _read_header(file))
    whole = sum(place.size for place in places) <= WHOLE_BYTES
    digest = hashlib.sha256()
    for place in places:
        digest.update(f"{place.name}|{place.kind}|{place.shape}|".encode())
        with place.file.open("rb") as handle:
            for offset, size in _blocks(place.size, whole):
                handle.seek(place.start + offset)
                digest.update(handle.read(size))
    return digest.hexdigest()


def hash_model(model: nn.Module) -> str:
    """Sha256 (hex) of a model in memory, by the same rule; adapters of PEFT must be taken off first."""
    state = model.state_dict()
    whole = sum(t.nbytes for t in state.values()) <= WHOLE_BYTES
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().contiguous().cpu()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        raw = tensor.reshape(-1).view(torch.uint8)
        for offset, size in _blocks(raw.numel(), whole):
            digest.update(memoryview(raw[offset : offset + size].numpy()))
    return digest.hexdigest()


def _blocks(size: int, whole: bool) -> Iterable[tuple[int, int]]:
    if whole or size <= BLOCKS * BLOCK_BYTES:
        return [(0, size)]
    step = (size - BLOCK_BYTES) // (BLOCKS - 1)
    return [(i * step, BLOCK_BYTES) for i in range(BLOCKS)]


def _read_header(file: Path) -> Iterator[_Place]:
    """The tensors of a safetensors file: eight bytes of header length, a JSON header, then the data."""
    with file.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header = json.loads(handle.read(length))
    header.pop("__metadata__", None)
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        yield _Place(name, entry["dtype"], tuple(entry["shape"]), file, 8 + length + start, end - start)

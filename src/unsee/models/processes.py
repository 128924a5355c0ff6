"""Several processes that do one piece of work: who leads, what it hands on, how they fail together.

``torchrun`` and ``accelerate launch`` start the same command several times; accelerate connects the processes
(:func:`join`). All of them run the same code on the same data. Process 0, the leader, alone writes files;
whatever could differ between two machines is decided by it and handed on (:func:`from_leader`). In a single
process every function here does nothing at all.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from unsee.nouns import UserError

T = TypeVar("T")
R = TypeVar("R")
# The others wait while the leader works alone, for as long as it takes; a process that dies is noticed by
# the launcher, which ends the rest.
PATIENCE = timedelta(days=7)


class ElsewhereError(RuntimeError):
    """Another process failed; its own message says why."""


def launched() -> int:
    """How many processes the launcher started; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE") or 1) if "RANK" in os.environ else 1


def own_card(device: str) -> str:
    """The graphics card of this process, by its number on the machine.

    Raises:
        UserError: One and the same card is asked for all processes.
    """
    if device != "cuda":
        raise UserError(
            "Several processes cannot share one graphics card.",
            got=device,
            expected="auto, cuda or cpu",
            remedy="leave --device out: each process takes a card of its own",
        )
    return f"cuda:{os.environ.get('LOCAL_RANK') or 0}"


def join(device: str = "auto") -> None:
    """Connects the processes that a launcher started; nothing to do for one process, or a second time.

    Args:
        device: "cpu" keeps the processes off the graphics cards; they then speak through gloo.

    Raises:
        UserError: The launcher was told to use DeepSpeed.
    """
    if launched() == 1:
        return
    if _flag("ACCELERATE_USE_DEEPSPEED"):
        raise UserError(
            "DeepSpeed is not used by unsee.",
            got="an accelerate configuration for DeepSpeed",
            expected="one for several GPUs, with or without FSDP",
            remedy="run accelerate config again, or start with torchrun",
        )
    # Numbers are those of --dtype. Wrapping a model is done here too (training/sharding.py): accelerate is
    # asked for the processes, not for mixed precision or FSDP of its own.
    os.environ["ACCELERATE_MIXED_PRECISION"] = "no"
    if _flag("ACCELERATE_USE_FSDP"):
        os.environ["UNSEE_SHARD"] = "true"
        os.environ["ACCELERATE_USE_FSDP"] = "false"
    PartialState(cpu=device == "cpu" or not torch.cuda.is_available(), timeout=PATIENCE)
    assert PartialState().num_processes == count() == launched(), PartialState()
    atexit.register(leave)


def check_joined() -> None:
    """Refuse to work in several processes that do not know of each other.

    Raises:
        UserError: A launcher started them, and this piece of work is done by one.
    """
    if launched() > count():
        raise UserError(
            "This runs in one process.",
            got=f"{launched()} processes",
            expected="one",
            remedy="start it without torchrun or accelerate launch",
        )


def leave() -> None:
    """Disconnects the processes, at the end of the program."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def asks_for_shards() -> bool:
    """Whether the launcher's configuration asks for FSDP."""
    return _flag("ACCELERATE_USE_FSDP") or _flag("UNSEE_SHARD")


def count() -> int:
    """How many connected processes there are."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def leads() -> bool:
    """Whether this process writes the files."""
    return rank() == 0


def gathered(value: T) -> list[T]:
    """What each process has, in the order of their numbers; for all of them."""
    return list(gather_object([value])) if count() > 1 else [value]


@contextmanager
def agreed() -> Iterator[None]:
    """What goes wrong inside for one process goes wrong for all, at the end of the block.

    Raises:
        UserError: Another process raised it.
        ElsewhereError: Another process failed otherwise.
    """
    if count() == 1:
        yield
        return
    failure: Exception | None = None
    try:
        yield
    except Exception as error:  # raised again below, after the others were told
        failure = error
    told = gathered(None if failure is None else _as_text(failure))
    if failure is not None:
        raise failure
    for number, text in enumerate(told):
        if text is not None:
            raise _as_error(text, number)


def from_leader(make: Callable[[], T]) -> T:
    """What ``make`` gives in the leader, for all; the others do not call it. Its errors are those of all."""
    if count() == 1:
        return make()
    found: list[T] = []
    with agreed():
        found = [make()] if leads() else []
    sent: list[Any] = list(found) or [None]
    broadcast_object_list(sent)
    return sent[0]  # type: ignore[no-any-return]


def divided(tasks: Sequence[T], work: Callable[[T], R]) -> Iterator[R]:
    """The results of all tasks in their order: task i is done by process i modulo their number.

    Results appear in every process, a round of tasks at a time.

    Args:
        tasks: The same in all processes.
        work: Does one of them; its result is sent to the others.
    """
    for start in range(0, len(tasks), count()):
        mine = tasks[start : start + count()][rank() : rank() + 1]
        found: list[R] = []
        with agreed():
            found = [work(task) for task in mine]
        for part in gathered(found):
            yield from part


def _flag(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("true", "1", "yes")


def _as_text(error: Exception) -> tuple[str, ...]:
    if isinstance(error, UserError):
        return (error.what, str(error.got), error.expected, error.remedy)
    return (f"{type(error).__name__}: {error}",)


def _as_error(text: tuple[str, ...], number: int) -> Exception:
    if len(text) == 4:
        what, got, expected, remedy = text
        return UserError(what, got=got, expected=expected, remedy=remedy)
    return ElsewhereError(f"process {number} failed: {text[0]}")

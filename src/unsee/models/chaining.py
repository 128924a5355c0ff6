"""Several hooks on one model: what one deletion request after the other leaves behind.

Requests of a router are one bank, in which the nearest takes the picture; instructions are one instruction,
one below the other. Anything else acts in the order of the requests: what the first one changed in a pass,
the next one finds changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from unsee.models.hooks import NO_ROUTE, Follow, Hook, Passage, load_hook, write_note
from unsee.models.load import VLM
from unsee.models.prompting import BREAK, Instruction
from unsee.models.routing import Router, join
from unsee.nouns import Picture, UserError

BESIDE = "|"


def together(hooks: Sequence[Hook]) -> Hook:
    """One hook that acts as all of these, in order.

    Raises:
        UserError: There is none, or instructions are mixed with something else.
    """
    routers = [hook for hook in hooks if isinstance(hook, Router)]
    told = [hook for hook in hooks if isinstance(hook, Instruction)]
    if not hooks or 0 < len(told) < len(hooks):
        raise UserError(
            "these hooks cannot act together",
            got=", ".join(hook.name for hook in hooks) or "no hook",
            expected="hooks of one method",
            remedy="install them on models of their own",
        )
    if len(hooks) == 1:
        return hooks[0]
    if told:
        return Instruction(BREAK.join(dict.fromkeys(hook.text for hook in told)))
    return join(*routers) if len(routers) == len(hooks) else Chain(tuple(hooks))


@dataclass(frozen=True)
class Chain(Hook):
    """Hooks that change what happens inside a pass, one after the other.

    Attributes:
        parts: In the order in which they act.
    """

    parts: tuple[Hook, ...]

    @property
    def name(self) -> str:
        """What it is called in records."""
        return "+".join(part.name for part in self.parts)

    @property
    def empty(self) -> bool:
        """Whether one of them could never change an answer."""
        return any(part.empty for part in self.parts)

    @property
    def alone(self) -> bool:
        """Whether one of them needs a pack per row."""
        return any(part.alone for part in self.parts)

    def route(self, vlm: VLM, picture: Picture | None) -> str:
        """The ways of all of them; none where none of them sends the picture anywhere."""
        ways = [part.route(vlm, picture) for part in self.parts]
        return BESIDE.join(ways) if any(ways) else NO_ROUTE

    @contextmanager
    def at_work(self, vlm: VLM, passage: Passage) -> Iterator[Follow]:
        """Inside, all of them act on the passage."""
        ways = passage.route.split(BESIDE) if passage.route else [NO_ROUTE] * len(self.parts)
        with ExitStack() as stack:
            followers = [
                stack.enter_context(part.at_work(vlm, passage._replace(route=way)))
                for part, way in zip(self.parts, ways, strict=True)
            ]

            def follow(rows: Tensor) -> None:
                for one in followers:
                    one(rows)

            yield follow

    def install(self, vlm: VLM) -> VLM:
        """The model with all of them.

        Raises:
            UserError: One of them does not fit the model.
        """
        fitted = tuple(part.install(vlm).hook for part in self.parts)
        return replace(vlm, hook=Chain(tuple(part for part in fitted if part is not None)))

    def remove(self, vlm: VLM) -> VLM:
        """The model without any of them."""
        return replace(vlm, hook=None)

    def save(self, folder: Path) -> None:
        """Write each of them into a folder of its own."""
        names = [f"{i:02d}" for i in range(len(self.parts))]
        for name, part in zip(names, self.parts, strict=True):
            (folder / name).mkdir()
            part.save(folder / name)
        write_note(folder, {"kind": "chain", "parts": names})


def read(data: dict[str, Any], folder: Path) -> Chain:
    """The chain that ``save`` wrote."""
    return Chain(tuple(load_hook(folder / str(name)) for name in data["parts"]))

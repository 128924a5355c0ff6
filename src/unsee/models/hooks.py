"""Hooks: what acts when the model answers and changes no weight.

A hook is installed on a :class:`VLM` and leaves the torch model alone: whoever runs packs through the model
(``packs.tokens.forward`` and the answering room) asks ``vlm.route`` which rows may go together and opens
:func:`at_work` around each pass. So "off" is exactly the target, and the target's own VLM is never touched.
A plain call of ``vlm.model`` does not pass by the hook.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from torch import Tensor

from unsee.nouns import Picture, UserError

if TYPE_CHECKING:
    from unsee.models.load import VLM

HOOK = "hook.json"
TENSORS = "hook.safetensors"
KINDS = {"prompt": "prompting", "steering": "steering", "router": "routing", "chain": "chaining"}
NO_ROUTE = ""


class Passage(NamedTuple):
    """One pass of packed rows through the model. B packs of T tokens, R rows.

    Attributes:
        asked: (R,) flat position b * T + t of each row's last prompt token, which predicts its answer.
        visible: (B, T, T) bool, True where the token of the line sees the token of the column.
        route: The route that all rows of the pass take.
    """

    asked: Tensor
    visible: Tensor
    route: str = NO_ROUTE


Follow = Callable[[Tensor], None]
"""Told before each decoding step which row of the passage its (B, K) tokens belong to; -1 for none."""


def follow_nothing(rows: Tensor) -> None:
    """For hooks that do not care about decoding steps."""


class Hook(Protocol):
    """Something that changes a model's answers while it is installed; the defaults here change nothing."""

    @property
    def name(self) -> str:
        """What it is called in records."""

    @property
    def empty(self) -> bool:
        """Whether it could never change an answer."""
        return False

    @property
    def alone(self) -> bool:
        """Whether each row needs a pack of its own, since its last token changes earlier ones."""
        return False

    def route(self, vlm: VLM, picture: Picture | None) -> str:
        """Which way rows about this picture go; rows of different routes never share a pass."""
        return NO_ROUTE

    def at_work(self, vlm: VLM, passage: Passage) -> AbstractContextManager[Follow]:
        """Inside, the model computes this passage as the hook wants it."""
        return nullcontext(follow_nothing)

    def install(self, vlm: VLM) -> VLM:
        """The model with this hook acting; ``adapter_off`` switches it off.

        Raises:
            UserError: The hook does not fit the model.
        """

    def remove(self, vlm: VLM) -> VLM:
        """The model as it was before ``install``."""

    def save(self, folder: Path) -> None:
        """Write ``hook.json``, and tensors to ``hook.safetensors``: all that :func:`load_hook` needs."""


def at_work(vlm: VLM, passage: Passage) -> AbstractContextManager[Follow]:
    """Inside, the model's hook acts on this passage; nothing happens without a hook."""
    return nullcontext(follow_nothing) if vlm.hook is None else vlm.hook.at_work(vlm, passage)


def load_hook(folder: str | Path) -> Hook:
    """The hook that ``save`` wrote.

    Raises:
        UserError: Not a hook, or one of an unknown kind.
    """
    path = Path(folder) / HOOK
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind = data["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, str(error).splitlines()[0]) from error
    if kind not in KINDS:
        raise _unreadable(folder, f"kind {kind!r}")
    try:
        hook: Hook = import_module(f"unsee.models.{KINDS[kind]}").read(data, Path(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise _unreadable(folder, f"{type(error).__name__} {str(error).splitlines()[0]}") from error
    return hook


def write_note(folder: Path, data: dict[str, Any]) -> None:
    """Write ``hook.json``."""
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    (folder / HOOK).write_text(text, encoding="utf-8")


def unfit(what: str, got: object, expected: str) -> UserError:
    """The error of a hook that belongs to another model."""
    return UserError(what, got=got, expected=expected, remedy="load the model that the hook was made for")


def _unreadable(folder: str | Path, got: str) -> UserError:
    return UserError(
        "the hook cannot be read",
        got=f"{folder}: {got}",
        expected=f"a folder with {HOOK} of the kind {', '.join(KINDS)}",
        remedy="save it again with save_adapter()",
    )

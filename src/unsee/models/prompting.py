"""An instruction in front of every question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from unsee.models.chat import Chat, Encoded, Turn
from unsee.models.hooks import Hook, write_note
from unsee.models.load import VLM
from unsee.nouns import Picture

BREAK = "\n"


class PromptedChat(Chat):
    """A chat whose first user turn begins with an instruction, behind the picture where there is one.

    Args:
        plain: The model's own chat, which stays as it is.
        instruction: What is said first.
    """

    def __init__(self, plain: Chat, instruction: str) -> None:
        vars(self).update(vars(plain))
        # Pictures are kept apart: two chats must not count the bytes of one store.
        self._texts, self._inputs, self._bytes = {}, OrderedDict(), 0
        self.plain, self.instruction = plain, instruction

    def encode(
        self,
        prompt: str,
        answer: str | None = None,
        picture: Picture | None = None,
        history: Sequence[Turn] = (),
    ) -> Encoded:
        """As ``Chat.encode``, with the instruction once, at the start of the conversation."""
        if not history:
            return super().encode(self._told(prompt), answer, picture)
        (asked, said, shown), *later = history
        return super().encode(prompt, answer, picture, ((self._told(asked), said, shown), *later))

    def raw_text(self, text: str) -> str:
        """The text behind the instruction."""
        return self._told(text)

    def official_row(self, prompt: str, picture: Picture) -> dict[str, Tensor]:
        """As ``Chat.official_row``, with the instruction."""
        return super().official_row(self._told(prompt), picture)

    def _told(self, prompt: str) -> str:
        return f"{self.instruction}{BREAK}{prompt}"


@dataclass(frozen=True)
class Instruction(Hook):
    """A hook that only talks: the instruction stands before every question, with and without picture.

    Attributes:
        text: The instruction.
    """

    text: str

    @property
    def name(self) -> str:
        """What it is called in records."""
        return "prompt"

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not self.text.strip()

    def install(self, vlm: VLM) -> VLM:
        """The model, told the instruction before every question."""
        return replace(vlm, chat=PromptedChat(vlm.chat, self.text), hook=self)

    def remove(self, vlm: VLM) -> VLM:
        """The model that is told nothing."""
        assert isinstance(vlm.chat, PromptedChat), type(vlm.chat)
        return replace(vlm, chat=vlm.chat.plain, hook=None)

    def save(self, folder: Path) -> None:
        """Write the instruction into ``hook.json``."""
        write_note(folder, {"kind": "prompt", "text": self.text})


def read(data: dict[str, Any], folder: Path) -> Instruction:
    """The instruction that ``save`` wrote."""
    return Instruction(str(data["text"]))

"""Prompting: the model is told, before every question, not to name or describe the concept.

    no loss, no weight changed:  answer(x) = target(instruction + x)

The baseline that costs nothing (MLLMU-Bench, arXiv 2410.22108, has it as a system prompt). Here the
instruction opens the user turn, behind the picture: not every chat template has a system role, and the
picture's tokens stay shared by all its questions. It stands before questions without a picture too.

It is suppression and no deletion: whoever holds the weights leaves the instruction out, questions can talk
the model out of it, and the hook's file says in plain words who is not to be named. Default text: ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from unsee.methods.context import Context
from unsee.methods.parts import Method, knob
from unsee.models.hooks import Hook
from unsee.models.prompting import Instruction
from unsee.nouns import UserError

TEXT = (
    "Do not name or describe {name}. If a picture shows {name}, or a question is about {name}, say that you "
    "do not know. Answer every other question as usual."
)
PLACE = "{name}"


@dataclass(frozen=True)
class Prompt:
    """Knobs of prompting."""

    text: str = knob(TEXT, help="the instruction; {name} stands for the concept's names", source="ours")


def instruction(text: str, names: tuple[str, ...]) -> str:
    """The instruction with the names in place, aliases after the name: ``Jane Roe (or J. Roe)``.

    Raises:
        UserError: The text has no place for the name, or is empty.
    """
    if PLACE not in text:
        raise UserError(
            "the instruction does not say whom it is about",
            got=text or "nothing",
            expected=f"a text with {PLACE}",
            remedy=f"put {PLACE} where the name belongs in --set knobs.text",
        )
    assert names, "an instruction needs a name"
    name, *aliases = names
    return text.replace(PLACE, f"{name} (or {', '.join(aliases)})" if aliases else name)


def prompt(knobs: Prompt) -> Method:
    """An instruction before every question."""

    def hook(context: Context) -> Hook:
        return Instruction(instruction(knobs.text, context.names))

    instruction(knobs.text, ("the concept",))
    return Method(
        name="prompt",
        title="Instruction before every question",
        paper="baseline of arXiv 2410.22108",
        loss_line="none: answer(x) = target(instruction + x)",
        knobs=knobs,
        terms=(),
        reduction="none",
        cost="no training; the instruction's tokens with every question",
        hook=hook,
    )


METHODS = {"prompt": (Prompt, prompt)}

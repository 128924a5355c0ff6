"""What the picture is called instead of the concept.

``name``     another name of the same kind, as in the paper (arXiv 2405.12523, section 4.1): the model then
             calls the pictured person by that name. If somebody bears it, this is a false statement about
             them; it can mislead and defame. Names are therefore invented, or taken from the model's own
             guesses and kept only if the model can say nothing about them. Use one of the two other modes
             where even an invented name is not acceptable.
``generic``  a description without a name, such as "a person".
``refusal``  "I do not know."
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from unsee.nouns import Concept, UserError
from unsee.training.texts import is_degenerate, is_refusal, mentions, name_words, named_by
from unsee.training.wording import Wording

SubstituteMode = Literal["name", "generic", "refusal"]


def guessed_names(answers: Sequence[str], wording: Wording) -> list[str]:
    """Names that the model gave to other pictures, in order, without repetition: at most four words each."""
    found = []
    for answer in answers:
        if not is_refusal(answer, wording.refusal_marks) and not is_degenerate(answer):
            name = named_by(answer, wording.name_answers)
            if 1 <= len(name.split()) <= 4 and name not in found:
                found.append(name)
    return found


def is_free(name: str, concept: Concept, known: Sequence[str]) -> bool:
    """True when the name shares no word with the concept's names and is not one of the known ones."""
    shared = name_words([name]) & name_words(concept.names)
    return not shared and not mentions(name, concept.names) and not mentions(name, known)


def choose_substitute(
    mode: SubstituteMode,
    concept: Concept,
    wording: Wording,
    *,
    given: str = "",
    guesses: Sequence[str] = (),
    known: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """The text that stands for the concept; empty in ``refusal`` mode.

    Args:
        mode: See the module.
        concept: What must go.
        wording: Where the invented names come from.
        given: The user's own choice; used as it is when it is free.
        guesses: Names given by the model itself, already found to be unknown to it.
        known: Names of others, which are never used.
        seed: Decides among the names.

    Raises:
        UserError: The given name belongs to the concept or to somebody known, or no name is left.
    """
    if mode == "refusal":
        return ""
    if given and not is_free(given, concept, known):
        raise UserError(
            "The substitute name is taken.",
            got=given,
            expected="a name that shares no word with the concept's names and belongs to nobody known",
            remedy="give another name, leave it empty, or choose the substitute mode generic or refusal",
        )
    if given:
        return given
    if mode == "generic":
        return random.Random(seed).choice(wording.generic_names)
    pool = [name for name in guesses if is_free(name, concept, known)]
    pool = pool or [name for name in wording.substitute_names if is_free(name, concept, known)]
    if not pool:
        raise UserError(
            "No substitute name is left.",
            got=", ".join(concept.names),
            expected="at least one invented name that shares no word with these",
            remedy="give a substitute name, or choose the substitute mode generic or refusal",
        )
    return random.Random(seed).choice(pool)

"""What one reply counts for: the option it chose, whether it is right by the protocol's rule, its status."""

from __future__ import annotations

from unsee.metrics.degeneracy import is_empty, is_gibberish
from unsee.metrics.replies import is_refusal, status_of
from unsee.nouns import Status
from unsee.suites.mllmu import parse
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.data import LETTERS
from unsee.suites.mllmu.presets import Preset


def chosen_letter(preset: Preset, ask: Ask, reply: str) -> str | None:
    """The letter that the protocol reads in a reply to a choice question; None when it reads none.

    In ``corrected`` the reply is "B: ...", written down from the likelihoods.
    """
    if preset.parser == "mmunlearner":
        return parse.first_plain_character(reply, LETTERS if ask.modality == "image_text" else None)
    return parse.first_letter(reply, LETTERS)


def is_right(preset: Preset, ask: Ask, reply: str) -> bool:
    """Whether a reply to a choice or cloze question is right by the protocol's own rule."""
    assert ask.task != "generation", ask.id
    if ask.task == "choice":
        return chosen_letter(preset, ask, reply) == ask.truth
    if preset.parser == "likelihood":
        return parse.fills_gap(ask.truth, reply, parse.aliases_of(ask.truth))
    return parse.contains(ask.truth, reply)


def status(preset: Preset, ask: Ask, reply: str) -> Status:
    """Correct, incorrect, refusal, gibberish or empty; what is not language is never correct.

    A generated answer is correct when it has half of the new content words of the reference.
    """
    if ask.task == "generation":
        return status_of(ask.plain, reply)
    if is_empty(reply):
        return "empty"
    if len(reply) > 1 and is_gibberish(reply):
        return "gibberish"
    if is_right(preset, ask, reply):
        return "correct"
    return "refusal" if is_refusal(reply) else "incorrect"

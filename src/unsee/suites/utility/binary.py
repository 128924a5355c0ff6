"""Yes or no out of a reply: as published, and with care."""

from __future__ import annotations

from typing import Literal

from unsee.metrics.replies import yes_or_no

Reading = Literal["released_code", "corrected"]


def first_sentence_verdict(reply: str) -> bool:
    """POPE's rule (arXiv 2305.10355): in the first sentence "No", "no" or "not" is no, all else is yes.

    So an empty reply, a refusal and noise are yes.
    """
    sentence = reply.split(".")[0].replace(",", "")
    return not {"No", "no", "not"}.intersection(sentence.split(" "))


def first_letters_verdict(reply: str) -> bool | None:
    """MME's rule (arXiv 2306.13394): "yes" or "no" within the first four characters, else neither."""
    start = reply.strip().lower()[:4]
    if "yes" in start:
        return True
    return False if "no" in start else None


def careful_verdict(reply: str, prompt: str) -> bool | None:
    """The verdict of ``metrics.replies.yes_or_no``; None where the reply is neither."""
    return yes_or_no(reply, prompt)

"""Open questions with ten human answers: VQA accuracy (arXiv 1505.00468), as in VQAv2, VizWiz and TextVQA.

File: JSON lines with ``image``, ``question`` and ``answers`` (a list of texts, ten in the published sets) or
``answer`` (one text, as in GQA). Accuracy of a reply: leaving out each human answer in turn,
``min(equal answers among the rest / 3, 1)``, averaged. With one answer only: equal or not.

Before comparison both sides are normalised as the official evaluation does: small letters, punctuation,
articles, number words to ten, apostrophes of contractions. (There, answers on which all humans agree are
compared as they are; here always normalised.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from unsee.metrics.stats import mean_interval
from unsee.metrics.words import word_set
from unsee.nouns import Question, Score
from unsee.suites.utility.files import Line, Pictures, check_answers, json_lines

SHORT = "\nAnswer the question using a single word or phrase."
ENOUGH = 3  # equal answers of others that make a reply fully right
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_ARTICLES = frozenset(("a", "an", "the"))
_NUMBERS = {
    "none": "0",
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}
_CONTRACTIONS = {
    short.replace("'", ""): short
    for short in word_set(
        "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd "
        "how'll how's i'm i've isn't it'd it'll let's ma'am might've mightn't must've mustn't needn't "
        "o'clock oughtn't shan't should've shouldn't that'd that's there'd there're there's they'd they'll "
        "they're they've 'twas wasn't we've weren't what'll what're what's what've when's where'd where's "
        "where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all you'd "
        "you'll you're you've"
    )
}


def normalised(text: str) -> str:
    """The text as answers are compared (module text)."""
    plain = " ".join(text.split())
    beside_comma = re.search(r"\d,\d", plain) is not None
    out = plain
    for mark in _PUNCTUATION:
        inside = f"{mark} " not in plain and f" {mark}" not in plain and not beside_comma
        out = out.replace(mark, " " if inside else "")
    said = re.sub(r"\.(?!\d)", "", out).lower().split()
    counted = [_NUMBERS.get(word, word) for word in said]
    return " ".join(_CONTRACTIONS.get(word, word) for word in counted if word not in _ARTICLES)


def vqa_accuracy(reply: str, answers: Sequence[str]) -> float:
    """Accuracy of one reply, 0..1 (module text)."""
    assert answers, "no reference answer"
    said, wanted = normalised(reply), [normalised(a) for a in answers]
    equal = [said == w for w in wanted]
    if len(answers) == 1:
        return float(equal[0])
    left_out = [min(1.0, (sum(equal) - one) / ENOUGH) for one in equal]
    return sum(left_out) / len(left_out)


def load_vqa(
    file: str | Path, pictures: str | Path, *, split: str = "vqa", instruction: str = SHORT
) -> list[Question]:
    """The questions of one file; ``keywords`` are the human answers, repetitions included.

    Args:
        file: JSON lines, see the module text.
        pictures: Folder of the pictures.
        split: What the questions call themselves.
        instruction: Put behind each question.

    Raises:
        UserError: The file or a row cannot be used; the line is named.
    """
    opened = Pictures(Path(pictures))
    return [
        Question(
            id=f"{split}-{line.number}",
            prompt=line.text("question", "text") + instruction,
            kind="open",
            picture=opened.named(line, name := line.text("image")),
            keywords=_answers(line),
            identity=name,
            split=split,
        )
        for line in json_lines(file)
    ]


def _answers(line: Line) -> tuple[str, ...]:
    found = line.values.get("answers")
    if found is None:
        return (line.text("answer"),)
    if not isinstance(found, list) or not all(isinstance(a, str) and a.strip() for a in found):
        raise line.bad("'answers' is not a list of texts", found, '["red", "dark red", ...]')
    if len(found) not in (1, *range(ENOUGH + 1, 101)):
        raise line.bad("no reply could be fully right", f"{len(found)} answers", "one, or four and more")
    return tuple(found)


def score_vqa(questions: Sequence[Question], replies: Sequence[str], *, seed: int = 0) -> dict[str, Score]:
    """``vqa_accuracy``, the mean over questions; the interval resamples pictures.

    Args:
        questions: From :func:`load_vqa`.
        replies: One per question.
        seed: Seed of the resampling.
    """
    values = vqa_right(questions, replies)
    score = mean_interval(values, [q.identity for q in questions], better="higher", seed=seed)
    return {} if score is None else {"vqa_accuracy": score}


def vqa_right(questions: Sequence[Question], replies: Sequence[str]) -> list[float]:
    """VQA accuracy per question, 0..1."""
    check_answers(len(questions), len(replies))
    return [vqa_accuracy(r, q.keywords) for q, r in zip(questions, replies, strict=True)]

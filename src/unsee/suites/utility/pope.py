"""POPE (arXiv 2305.10355): is this object in the picture?

File: JSON lines with ``image`` (a file name), ``text`` (the question) and ``label`` (yes or no), as published
for COCO.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unsee.metrics.stats import make_score, mean_interval, wilson
from unsee.nouns import Direction, Question, Score
from unsee.suites.utility.binary import Reading, careful_verdict, first_sentence_verdict
from unsee.suites.utility.files import Pictures, check_answers, json_lines


def load_pope(file: str | Path, pictures: str | Path, *, split: str = "pope") -> list[Question]:
    """The questions of one file.

    Args:
        file: JSON lines, see the module text.
        pictures: Folder of the pictures.
        split: What the questions call themselves: pope, or random, popular and adversarial apart.

    Raises:
        UserError: The file or a row cannot be used; the line is named.
    """
    opened = Pictures(Path(pictures))
    return [
        Question(
            id=f"{split}-{line.number}",
            prompt=line.text("text", "question"),
            kind="yes_no",
            picture=opened.named(line, name := line.text("image")),
            keywords=(line.verdict("label", "answer"),),
            identity=name,
            split=split,
        )
        for line in json_lines(file)
    ]


def score_pope(
    questions: Sequence[Question], replies: Sequence[str], reading: Reading = "corrected", *, seed: int = 0
) -> dict[str, Score]:
    """Accuracy, precision, recall, F1 and share of yes; intervals resample pictures.

    Args:
        questions: From :func:`load_pope`.
        replies: One per question.
        reading: ``released_code`` counts every reply without a no in its first sentence as yes, the empty
            one too. ``corrected`` counts a reply that is neither as wrong and as no yes.
        seed: Seed of the resampling.

    Returns:
        ``pope_accuracy``, ``pope_precision`` (absent when nothing was answered yes), ``pope_recall``,
        ``pope_f1``, ``pope_yes_rate``, ``pope_undecided``.
    """
    check_answers(len(questions), len(replies))
    if not questions:
        return {}
    wanted = [q.keywords == ("yes",) for q in questions]
    said = [_verdict(r, q.prompt, reading) for q, r in zip(questions, replies, strict=True)]
    clusters = [q.identity for q in questions]

    def share(
        values: Sequence[bool], keys: Sequence[str] = clusters, better: Direction = "higher"
    ) -> Score | None:
        return mean_interval([float(v) for v in values], keys, better=better, seed=seed)

    said_yes = [i for i, s in enumerate(said) if s is True]
    is_yes = [i for i, w in enumerate(wanted) if w]
    hits = sum(wanted[i] for i in said_yes)
    found = {
        "pope_accuracy": share([s == w for s, w in zip(said, wanted, strict=True)]),
        "pope_precision": share([wanted[i] for i in said_yes], [clusters[i] for i in said_yes]),
        "pope_recall": share([said[i] is True for i in is_yes], [clusters[i] for i in is_yes]),
        "pope_f1": _f1(hits, len(said_yes) + len(is_yes), len(questions)),
        "pope_yes_rate": share([s is True for s in said]),
        "pope_undecided": share([s is None for s in said], better="lower"),
    }
    return {metric: score for metric, score in found.items() if score is not None}


def pope_right(
    questions: Sequence[Question], replies: Sequence[str], reading: Reading = "corrected"
) -> list[float]:
    """1 or 0 per question: what ``pope_accuracy`` of :func:`score_pope` is the mean of."""
    check_answers(len(questions), len(replies))
    asked = zip(questions, replies, strict=True)
    return [float(_verdict(r, q.prompt, reading) == (q.keywords == ("yes",))) for q, r in asked]


def _verdict(reply: str, prompt: str, reading: Reading) -> bool | None:
    return first_sentence_verdict(reply) if reading == "released_code" else careful_verdict(reply, prompt)


def _f1(hits: int, said_and_true: int, n: int) -> Score | None:
    """2 hits / (said yes + is yes), an interval as of a share of that many."""
    if said_and_true == 0:
        return None
    value = 2 * hits / said_and_true
    return make_score(value, *wilson(value, said_and_true), n, "higher", (0.0, 1.0))

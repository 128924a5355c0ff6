"""Multiple choice from tab-separated files in the layout of VLMEvalKit: MMBench, ScienceQA, MMMU and others.

Columns: ``index``, ``question``, ``A``, ``B`` (... ``H``), ``answer`` (a letter), and the picture as
``image`` (base64, or the index of the row that holds it) or ``image_path``; optional ``hint``. Rows whose
index is that of another row plus a multiple of a million show the same options in another order (circular
evaluation of MMBench, arXiv 2307.06281).

Two ways to answer: *generate* lists the options and reads the letter out of the reply; *likelihood* asks the
bare question and takes the likeliest option text (``answering.choose``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from unsee.metrics.choice import parse_choice
from unsee.metrics.stats import mean_interval
from unsee.nouns import Picture, Question, Score
from unsee.suites.utility.files import Line, Pictures, check_answers, table

Mode = Literal["generate", "likelihood"]
LETTERS = "ABCDEFGH"
INSTRUCTION = "Answer with the option's letter from the given choices directly."
ROUND = 1_000_000
LONGEST_INDEX = 64  # characters; a picture is longer
_ABSENT = frozenset(("", "nan"))  # what a missing cell looks like


def load_choices(
    file: str | Path,
    pictures: str | Path | None = None,
    *,
    split: str = "choices",
    mode: Mode = "generate",
) -> list[Question]:
    """The questions of one file; ``identity`` is the question whose options are shown in several orders.

    Args:
        file: Tab-separated, see the module text.
        pictures: Folder of the pictures of ``image_path``; default: the file's own.
        split: What the questions call themselves.
        mode: ``generate`` puts the options into the prompt; ``likelihood`` leaves them to the scores.

    Raises:
        UserError: The file or a row cannot be used; the line is named.
    """
    lines = table(file)
    opened = Pictures(Path(file).parent if pictures is None else Path(pictures))
    held = {line.text("index"): line for line in lines}
    return [_question(line, held, opened, split, mode) for line in lines]


def _question(line: Line, held: dict[str, Line], opened: Pictures, split: str, mode: Mode) -> Question:
    options = _options(line)
    letter = line.text("answer").upper()
    if len(letter) != 1 or letter not in LETTERS[: len(options)]:
        raise line.bad("the answer is no option", letter, f"one of {', '.join(LETTERS[: len(options)])}")
    index = line.text("index")
    asked = "\n".join(t for t in (_cell(line, "hint"), line.text("question")) if t)
    if mode == "generate":
        listed = "\n".join(f"{LETTERS[i]}. {option}" for i, option in enumerate(options))
        asked = f"{asked}\n{listed}\n{INSTRUCTION}"
    return Question(
        id=f"{split}-{index}",
        prompt=asked,
        kind="choice",
        picture=_picture(line, held, opened),
        keywords=(letter,),
        answer=options[LETTERS.index(letter)],
        options=options,
        identity=f"{split}-{int(index) % ROUND if index.isdecimal() else index}",
        split=split,
    )


def _options(line: Line) -> tuple[str, ...]:
    found = [_cell(line, letter) for letter in LETTERS]
    count = next((i for i, text in enumerate(found) if not text), len(found))
    if count < 2 or any(found[count:]):
        shown = [letter for letter, text in zip(LETTERS, found, strict=True) if text]
        raise line.bad("the options are not two or more without a gap", shown, "A, B, ...")
    return tuple(found[:count])


def _picture(line: Line, held: dict[str, Line], opened: Pictures) -> Picture:
    cell = _cell(line, "image")
    if not cell:
        return opened.named(line, line.text("image_path"))
    if len(cell) <= LONGEST_INDEX and cell in held:
        source = _cell(held[cell], "image")
        if len(source) <= LONGEST_INDEX:
            raise line.bad("the row that should hold the picture holds none", cell, "the index of a picture")
        cell = source
    return opened.encoded(line, cell)


def _cell(line: Line, key: str) -> str:
    text = str(line.values.get(key, "")).strip()
    return "" if text in _ABSENT else text


def score_choices(
    questions: Sequence[Question], replies: Sequence[str], *, seed: int = 0
) -> dict[str, Score]:
    """Figures of generated replies: the letter, or the option, is read by ``metrics.choice.parse_choice``.

    Returns:
        ``choice_accuracy``; ``choice_circular``, questions right in every order, where there are several;
        ``choice_unread``, replies that choose no option or several.
    """
    check_answers(len(questions), len(replies))
    picks = [parse_choice(r, q.options) for q, r in zip(questions, replies, strict=True)]
    found = score_picks(questions, picks, seed=seed)
    unread = mean_interval(
        [float(p is None) for p in picks], [q.identity for q in questions], better="lower", seed=seed
    )
    return found if unread is None else {**found, "choice_unread": unread}


def score_picks(
    questions: Sequence[Question], picks: Sequence[int | None], *, seed: int = 0
) -> dict[str, Score]:
    """Figures of chosen options (index, None for none): as :func:`score_choices` without the last."""
    right = _right(questions, picks)
    keys = [q.identity for q in questions]
    found = {"choice_accuracy": mean_interval(right, keys, better="higher", seed=seed)}
    whole: dict[str, float] = {}
    for key, value in zip(keys, right, strict=True):
        whole[key] = min(value, whole.get(key, 1.0))
    if len(whole) < len(questions):
        found["choice_circular"] = mean_interval(
            list(whole.values()), list(whole), better="higher", seed=seed
        )
    return {metric: score for metric, score in found.items() if score is not None}


def choices_right(questions: Sequence[Question], replies: Sequence[str]) -> list[float]:
    """1 or 0 per generated reply, every order of the options for itself."""
    check_answers(len(questions), len(replies))
    return _right(questions, [parse_choice(r, q.options) for q, r in zip(questions, replies, strict=True)])


def _right(questions: Sequence[Question], picks: Sequence[int | None]) -> list[float]:
    check_answers(len(questions), len(picks))
    pairs = zip(questions, picks, strict=True)
    return [float(p is not None and LETTERS[p] == q.keywords[0]) for q, p in pairs]

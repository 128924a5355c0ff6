"""MME: two yes/no questions per picture, fourteen tasks (arXiv 2306.13394).

Two layouts. Folders, as published: one per task, with a text file per picture ("question<TAB>Yes" on each
line) next to the pictures or in ``questions_answers_YN`` beside ``images``. Or one tab-separated file with
``category``, ``question``, ``answer`` and the picture as ``image`` (base64) or ``image_path``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from unsee.metrics.stats import make_score, mean_interval
from unsee.models.pictures import SUFFIXES
from unsee.nouns import Picture, Question, Score, UserError
from unsee.suites.utility.binary import Reading, careful_verdict, first_letters_verdict
from unsee.suites.utility.files import Line, Pictures, check_answers, read_text, table

TEXTS, IMAGES = "questions_answers_YN", "images"


def load_mme(path: str | Path, pictures: str | Path | None = None) -> list[Question]:
    """The questions of a folder of tasks or of a tab-separated file; ``split`` is the task.

    Args:
        path: Folder or file, see the module text.
        pictures: Folder of the pictures of a tab-separated file that names them; default: its own folder.

    Raises:
        UserError: Nothing is found, or a row cannot be used; the line is named.
    """
    source = Path(path)
    questions = list(_of_folder(source) if source.is_dir() else _of_table(source, pictures))
    if not questions:
        raise UserError(
            "the folder holds no questions",
            got=path,
            expected="a folder per task, with a text file per picture",
            remedy="give the folder that holds existence, count, position, ...",
        )
    return questions


def _of_folder(root: Path) -> Iterator[Question]:
    for task in sorted(p for p in root.iterdir() if p.is_dir()):
        texts = task / TEXTS if (task / TEXTS).is_dir() else task
        opened = Pictures(task / IMAGES if (task / IMAGES).is_dir() else task)
        for file in sorted(texts.glob("*.txt")):
            for line in _lines(file):
                picture = opened.named(line, _picture_of(line, opened.folder))
                yield _question(line, task.name, f"{task.name}-{file.stem}-{line.number}", picture)


def _lines(file: Path) -> Iterator[Line]:
    for number, text in enumerate(read_text(file).splitlines(), start=1):
        if text.strip():
            question, _, answer = text.rpartition("\t")
            yield Line(file, number, {"question": question, "answer": answer})


def _picture_of(line: Line, folder: Path) -> str:
    """Name of the picture with the stem of the text file."""
    found = sorted(p.name for p in folder.glob(f"{line.file.stem}.*") if p.suffix.lower() in SUFFIXES)
    if len(found) != 1:
        raise line.bad("not one picture belongs to the file", found, f"one {line.file.stem}.jpg or .png")
    return found[0]


def _of_table(file: Path, pictures: str | Path | None) -> Iterator[Question]:
    opened = Pictures(file.parent if pictures is None else Path(pictures))
    for line in table(file):
        if line.values.get("image"):
            picture = opened.encoded(line, line.text("image"))
        else:
            picture = opened.named(line, line.text("image_path"))
        task = line.text("category", "task")
        yield _question(line, task, f"{task}-{line.number}", picture)


def _question(line: Line, task: str, name: str, picture: Picture) -> Question:
    return Question(
        id=name,
        prompt=line.text("question"),
        kind="yes_no",
        picture=picture,
        keywords=(line.verdict("answer"),),
        identity=f"{task}/{picture.hash}",
        split=task,
    )


def score_mme(
    questions: Sequence[Question], replies: Sequence[str], reading: Reading = "corrected", *, seed: int = 0
) -> dict[str, Score]:
    """Accuracy, accuracy of whole pictures (acc+), and the published sum; intervals resample pictures.

    Args:
        questions: From :func:`load_mme`.
        replies: One per question.
        reading: ``released_code``: yes or no within the first four characters; ``corrected``: by the careful
            reading of the whole reply. Neither counts a reply that is neither as right.
        seed: Seed of the resampling.

    Returns:
        ``mme_accuracy`` and ``mme_accuracy_plus`` (both questions of a picture right), means over tasks of
        the task's mean, 0..1; ``mme_score``, the published sum over tasks of 100 times both: at most 200 per
        task, 2000 over the ten tasks of perception.
    """
    right = mme_right(questions, replies, reading)
    tasks = list(dict.fromkeys(q.split for q in questions))
    accuracy, plus = [], []
    for task in tasks:
        mine = [(q.identity, v) for q, v in zip(questions, right, strict=True) if q.split == task]
        keys = [key for key, _ in mine]
        whole: dict[str, float] = {}
        for key, value in mine:
            whole[key] = min(value, whole.get(key, 1.0))
        accuracy.append(mean_interval([v for _, v in mine], keys, better="higher", seed=seed))
        plus.append(mean_interval(list(whole.values()), list(whole), better="higher", seed=seed))
    first, second = _mean([s for s in accuracy if s]), _mean([s for s in plus if s])
    if first is None or second is None:
        return {}
    ends = [100 * len(tasks) * (getattr(first, k) + getattr(second, k)) for k in ("value", "low", "high")]
    score = make_score(ends[0], ends[1], ends[2], first.n, "higher", (0.0, 200.0 * len(tasks)))
    return {"mme_accuracy": first, "mme_accuracy_plus": second, "mme_score": score}


def mme_right(
    questions: Sequence[Question], replies: Sequence[str], reading: Reading = "corrected"
) -> list[float]:
    """1 or 0 per question, whatever its task."""
    check_answers(len(questions), len(replies))
    return [float(_right(q, r, reading)) for q, r in zip(questions, replies, strict=True)]


def _right(question: Question, reply: str, reading: Reading) -> bool:
    if reading == "released_code":
        said = first_letters_verdict(reply)
    else:
        said = careful_verdict(reply, question.prompt)
    return said is not None and said == (question.keywords == ("yes",))


def _mean(scores: Sequence[Score]) -> Score | None:
    """Mean over tasks; the intervals are averaged as they are, which is wide rather than narrow."""
    if not scores:
        return None
    value, low, high = (sum(getattr(s, k) for s in scores) / len(scores) for k in ("value", "low", "high"))
    return make_score(value, low, high, sum(s.n for s in scores), "higher", (0.0, 1.0))

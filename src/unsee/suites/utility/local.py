"""Files of POPE, MME, VQA and multiple choice as one list of questions, and figures of two models on them.

A suite is called by its kind (pope, mme, vqa, choices), or by its kind and a name of the user's behind a
dash: ``pope-popular``, ``vqa-gqa``. Ids of its figures carry that name behind a colon:
``pope_accuracy:popular``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from unsee.metrics.comparison import sign_flip
from unsee.metrics.specificity import specificity
from unsee.metrics.stats import paired_difference
from unsee.nouns import Question, Score, UserError
from unsee.suites.utility.binary import Reading
from unsee.suites.utility.choices import choices_right, load_choices, score_choices
from unsee.suites.utility.mme import load_mme, mme_right, score_mme
from unsee.suites.utility.pope import load_pope, pope_right, score_pope
from unsee.suites.utility.vqa import load_vqa, score_vqa, vqa_right

MEAN = "specificity_local"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
Texts = Sequence[str]
Questions = Sequence[Question]


class Kind(NamedTuple):
    """How suites of one kind are read and scored.

    Attributes:
        load: From the file and the folder of its pictures to questions.
        score: From questions, replies, reading and seed to figures by metric id.
        right: From questions, replies and reading to one value 0..1 per question.
        heads: The first of these figures that is there stands for the suite in a mean.
    """

    load: Callable[[Path, Path], list[Question]]
    score: Callable[[Questions, Texts, Reading, int], dict[str, Score]]
    right: Callable[[Questions, Texts, Reading], list[float]]
    heads: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "pope": Kind(
        load_pope, lambda q, r, how, seed: score_pope(q, r, how, seed=seed), pope_right, ("pope_accuracy",)
    ),
    "mme": Kind(
        load_mme, lambda q, r, how, seed: score_mme(q, r, how, seed=seed), mme_right, ("mme_accuracy",)
    ),
    "vqa": Kind(
        load_vqa,
        lambda q, r, how, seed: score_vqa(q, r, seed=seed),
        lambda q, r, how: vqa_right(q, r),
        ("vqa_accuracy",),
    ),
    "choices": Kind(
        load_choices,
        lambda q, r, how, seed: score_choices(q, r, seed=seed),
        lambda q, r, how: choices_right(q, r),
        ("choice_circular", "choice_accuracy"),
    ),
}


class Difference(NamedTuple):
    """Two models on the same questions.

    Attributes:
        score: Mean of the first's value minus the second's, -1..1, with its interval over pictures.
        p: Two-sided p-value of the sign-flip test over pictures.
    """

    score: Score
    p: float


@dataclass(frozen=True)
class LocalSuite:
    """One file.

    Attributes:
        name: Its kind, or its kind, a dash and a name.
        questions: Ids are unique among all suites of a run; ``split`` is that of the loader.
    """

    name: str
    questions: tuple[Question, ...]

    @property
    def kind(self) -> Kind:
        """How it is scored."""
        return KINDS[self.name.partition("-")[0]]

    @cached_property
    def asked(self) -> tuple[Question, ...]:
        """The questions as they are put and recorded: ``split`` is the name of the suite."""
        return tuple(replace(question, split=self.name) for question in self.questions)

    def metric(self, metric: str) -> str:
        """The id under which a figure of this suite stands beside those of others."""
        named = self.name.partition("-")[2]
        return f"{metric}:{named}" if named else metric

    def scores(self, replies: Mapping[str, str], reading: Reading, *, seed: int = 0) -> dict[str, Score]:
        """Figures of the replies (by question id); questions without one take no part."""
        asked, texts = self._answered(replies)
        found = self.kind.score(asked, texts, reading, seed) if asked else {}
        return {self.metric(metric): score for metric, score in found.items()}

    def head(self, scores: Mapping[str, Score]) -> Score | None:
        """The figure that stands for the suite."""
        named = [self.metric(metric) for metric in self.kind.heads]
        return next((scores[metric] for metric in named if metric in scores), None)

    def difference(
        self, first: Mapping[str, str], second: Mapping[str, str], reading: Reading, *, seed: int = 0
    ) -> Difference | None:
        """What the first model has right more often than the second; None without common questions."""
        one, other = self._right(first, reading), self._right(second, reading)
        clusters = {q.id: q.picture.hash if q.picture else q.identity for q in self.questions}
        score = paired_difference(one, other, clusters, better="higher", seed=seed)
        test = sign_flip(one, other, clusters, seed=seed)
        return None if score is None or test is None else Difference(score, test.p)

    def _right(self, replies: Mapping[str, str], reading: Reading) -> dict[str, float]:
        asked, texts = self._answered(replies)
        values = self.kind.right(asked, texts, reading)
        return {q.id: value for q, value in zip(asked, values, strict=True)}

    def _answered(self, replies: Mapping[str, str]) -> tuple[list[Question], list[str]]:
        asked = [question for question in self.questions if question.id in replies]
        return asked, [replies[question.id] for question in asked]


def load_suite(name: str, path: str | Path, pictures: str | Path | None = None) -> LocalSuite:
    """One file (of MME also a folder) as a suite.

    Args:
        name: pope, mme, vqa or choices, or one of them with a name behind a dash.
        path: The file; layouts are told in the module of each kind.
        pictures: Folder of the pictures that the file names; None = the file's own.

    Raises:
        UserError: No such kind, or the file or a row of it cannot be used; the line is named.
    """
    kind, dash, rest = name.partition("-")
    if kind not in KINDS or not _NAME.fullmatch(name) or bool(dash) != bool(rest):
        raise UserError(
            "There is no such utility suite.",
            got=name,
            expected=f"{', '.join(KINDS)}, or one of them with a name behind a dash, such as pope-popular",
            remedy="correct the part before =",
        )
    file = Path(path)
    made = KINDS[kind].load(file, file.parent if pictures is None else Path(pictures))
    return LocalSuite(name, tuple(replace(q, id=f"{name}/{q.id}") for q in made))


def mean_of(suites: Sequence[LocalSuite], scores: Mapping[str, Score]) -> Score | None:
    """Unweighted mean of the suites' figures (``metrics.specificity``); None unless each has one."""
    heads = {suite.name: suite.head(scores) for suite in suites}
    there = {name: score for name, score in heads.items() if score is not None}
    found = specificity(there) if len(there) == len(heads) else None
    return None if found is None else found.score

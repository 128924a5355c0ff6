"""From the lines of several models to the figures of one concept, in every reading; and the gate.

Pure: lines in, figures out. What needs replies only is in :mod:`unsee.suites.mmubench.scoring`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unsee.attacks.membership import PICTURES, TEXTS, Tokens, against_gold, membership
from unsee.attacks.suspicion import Query, suspicion
from unsee.metrics.distance import NameLogprobs, concept_distance
from unsee.metrics.exact_match import Asked, clusters_of
from unsee.metrics.fluency import ScoredText, fluency
from unsee.metrics.judging import Judge
from unsee.metrics.likelihood import exact_memorisation, extraction_strength, probability
from unsee.metrics.mentions import names_concept
from unsee.metrics.replies import is_correct
from unsee.metrics.specificity import specificity
from unsee.metrics.stats import mean_interval
from unsee.metrics.variants import Variant
from unsee.nouns import Question, Score
from unsee.objectives.renyi import ORDERS
from unsee.suites.concept.gate import THRESHOLD
from unsee.suites.mmubench.data import EFFICACY, GENERALITY, GROUP, MEMBER, NON_MEMBER
from unsee.suites.mmubench.run import QUERIES, TEXT_ORDERS, Line
from unsee.suites.mmubench.scoring import NamesByLanguage, score_concept
from unsee.suites.mmubench.sheet import OPEN, OTHERS, OTHERS_YES_NO, Sheet

Lines = Mapping[str, Line]  # by question id
Figures = dict[str, Score]
SPECIFIC = ("others_named", "others_yes_no", "attributes", "scenes", "strangers_refused")
"""What Specificity is the mean of, as far as it was asked."""
PICTURE_LIST = "picture_"
Sides = tuple[list[Tokens], list[Tokens]]
_POOL = {"attributes": "attributes", "scenes": "scenes", "strangers_refused": "strangers"}
TARGET, GOLD = "target", "gold"


@dataclass(frozen=True)
class Scoring:
    """What the figures of one concept are made of.

    Attributes:
        sheet: Its questions.
        pool: What must be kept, without what is about a forgotten concept.
        lines: Lines by model and question id.
        vocabulary: Size of the vocabulary (Fluency of the paper).
        names: The concept's names in other languages, by language.
        judge: Who grades for G-Eval; None = no G-Eval.
        seed: Seed of the intervals' resampling.
    """

    sheet: Sheet
    pool: tuple[Question, ...]
    lines: Mapping[str, Lines]
    vocabulary: int
    names: NamesByLanguage = field(default_factory=dict)
    judge: Judge | None = None
    seed: int = 0

    def asked(self, model: str, questions: Sequence[Question]) -> list[Asked]:
        """The questions that the model answered, with its replies."""
        lines = self.lines.get(model, {})
        return [Asked(q, lines[q.id].record.reply) for q in questions if q.id in lines]


def figures(scoring: Scoring, model: str, reading: Variant = "corrected") -> Figures:
    """Every figure of one model about one concept; what was not asked, or has no floor, is absent."""
    sheet, seed = scoring.sheet, scoring.seed
    others = [q for q in scoring.pool if q.split in (OTHERS, OTHERS_YES_NO)]
    found = score_concept(
        scoring.asked(model, sheet.questions),
        sheet.entry.concept,
        variant=reading,
        others=scoring.asked(model, others),
        names=scoring.names,
        judge=scoring.judge,
        seed=seed,
    )
    found |= _named(scoring, model) | _kept(scoring, model)
    whole = specificity({m: found[m] for m in SPECIFIC if m in found})
    made: dict[str, Score | None] = {
        "specificity": None if whole is None else whole.score,
        "c_dis": _distance(scoring, model, reading),
        "fluency_ppl": _fluency(scoring, model, reading),
    }
    found |= {metric: score for metric, score in made.items() if score is not None}
    found |= _memorised(scoring, model) | _membership(scoring, model)
    return found | _suspicion(scoring, model, reading)


def gate(scoring: Scoring) -> dict[str, Any]:
    """Whether the target knows the concept: it names it in half of the name questions, or says yes rightly.

    The second counts only where no name question was asked.
    """
    asked = [*scoring.sheet.of(GENERALITY, EFFICACY)]
    named = _naming(scoring, TARGET, asked)
    yes_no = figures_of_target(scoring).get("yes_no_balanced")
    known = named.value >= THRESHOLD if named else yes_no is not None and yes_no.low > THRESHOLD
    if named:
        reason = f"the target names it in {named.value:.0%} of {named.n} replies; {THRESHOLD:.0%} is needed"
    else:
        reason = "no question asked the target for the name"
    return {
        "known": known,
        "naming_rate": named.value if named else None,
        "yes_no": yes_no.value if yes_no else None,
        "threshold": THRESHOLD,
        "reason": reason,
    }


def figures_of_target(scoring: Scoring) -> Figures:
    """What the target's replies alone say, for the gate."""
    asked = scoring.asked(TARGET, scoring.sheet.questions)
    return score_concept(asked, scoring.sheet.entry.concept, seed=scoring.seed)


def _naming(scoring: Scoring, model: str, questions: Sequence[Question]) -> Score | None:
    asked = scoring.asked(model, [q for q in questions if q.kind == "name"])
    names = scoring.sheet.entry.concept.names
    values = [float(names_concept(a.reply, names)) for a in asked]
    return mean_interval(values, clusters_of(asked), better="lower", seed=scoring.seed)


def _named(scoring: Scoring, model: str) -> Figures:
    """How often the concept is named: on its pictures, and beside somebody else."""
    sheet = scoring.sheet
    mine = [q for q in sheet.of(GROUP) if q.identity == sheet.id]
    beside = [q for q in sheet.of(GROUP) if q.identity != sheet.id]
    found = {
        "naming_rate": _naming(scoring, model, sheet.of(GENERALITY)),
        "group_named": _naming(scoring, model, mine),
        "group_others_named": _right(scoring.asked(model, beside), scoring.seed),
    }
    return {metric: score for metric, score in found.items() if score is not None}


def _kept(scoring: Scoring, model: str) -> Figures:
    """What else the model still can, and how often it refuses what it should answer."""
    found = {
        metric: _right(scoring.asked(model, [q for q in scoring.pool if q.split == split]), scoring.seed)
        for metric, split in _POOL.items()
    }
    lines = scoring.lines.get(model, {})
    due = [q for q in scoring.pool if not q.refusal_is_correct and q.id in lines]
    refused = [float(lines[q.id].record.status == "refusal") for q in due]
    found["refusal_rate"] = mean_interval(refused, [q.identity for q in due], better="lower")
    return {metric: score for metric, score in found.items() if score is not None}


def _right(asked: Sequence[Asked], seed: int) -> Score | None:
    values = [float(is_correct(*a)) for a in asked]
    return mean_interval(values, clusters_of(asked), better="higher", seed=seed)


def _distance(scoring: Scoring, model: str, reading: Variant) -> Score | None:
    values, keys = [], []
    for question, before, after in _pairs(scoring, model, scoring.sheet.of(GENERALITY), "name"):
        distance = concept_distance(_name_logprobs(before), _name_logprobs(after), reading)
        if distance is not None and question.picture is not None:
            values.append(distance)
            keys.append(question.picture.hash)
    return mean_interval(values, keys, better="higher", bounds=None, seed=scoring.seed)


def _name_logprobs(line: Line) -> NameLogprobs:
    watched = sorted((name for name in line.lists if name.startswith("watch_")), key=lambda n: int(n[6:]))
    return NameLogprobs(line.lists.get("name", ()), [line.lists[name] for name in watched])


def _pairs(
    scoring: Scoring, model: str, questions: Sequence[Question], needed: str
) -> list[tuple[Question, Line, Line]]:
    """(question, the target's line, the model's line) where both have the list ``needed``."""
    before, after = scoring.lines.get(TARGET, {}), scoring.lines.get(model, {})
    both = [(q, before[q.id], after[q.id]) for q in questions if q.id in before and q.id in after]
    return [(q, b, a) for q, b, a in both if needed in b.lists and needed in a.lists]


def _fluency(scoring: Scoring, model: str, reading: Variant) -> Score | None:
    lines = scoring.lines.get(model, {})
    if reading == "corrected":
        heard = [q for q in scoring.pool if q.split == OPEN and q.id in lines]
        read = [(q, lines[q.id].record.scores.get("reply_logprob")) for q in heard]
        texts = [(q, ScoredText((value,))) for q, value in read if value is not None]
    else:
        key = "fixed" if reading == "paper" else "prompt"
        named = [q for q in scoring.sheet.of(GENERALITY) if q.id in lines and key in lines[q.id].lists]
        texts = [(q, _scored(lines[q.id], key)) for q in named]
    keys = [q.identity if reading == "corrected" else _picture(q) for q, _ in texts]
    return fluency(
        [text for _, text in texts], reading, vocabulary=scoring.vocabulary, clusters=keys, seed=scoring.seed
    )


def _scored(line: Line, key: str) -> ScoredText:
    marks = line.lists.get("fixed_name", ()) if key == "fixed" else ()
    return ScoredText(line.lists[key], tuple(mark > 0 for mark in marks))


def _picture(question: Question) -> str:
    return "" if question.picture is None else question.picture.hash


def _memorised(scoring: Scoring, model: str) -> Figures:
    """How far the true sentences of the member queries are the model's own."""
    lines = _asked_with(scoring, model, MEMBER, "item")
    read = {
        "truth_probability": [(q, probability(line.lists["item"])) for q, line in lines],
        "exact_memorisation": [(q, exact_memorisation(_best(line))) for q, line in lines],
        "extraction_strength": [(q, extraction_strength(_best(line))) for q, line in lines],
    }
    found = {}
    for metric, pairs in read.items():
        told = [(q.id, value) for q, value in pairs if value is not None]
        values, keys = [value for _, value in told], [key for key, _ in told]
        found[metric] = mean_interval(values, keys, better="lower", seed=scoring.seed)
    return {metric: score for metric, score in found.items() if score is not None}


def _best(line: Line) -> list[bool]:
    return [best > 0 for best in line.lists.get("item_best", ())]


def _membership(scoring: Scoring, model: str) -> Figures:
    """Members against non-members, texts and pictures, and the difference to gold; without either absent."""
    scores: Figures = {}
    for prefix, items in ((TEXTS, _texts), (PICTURES, _pictures)):
        found, gold = items(scoring, model), items(scoring, GOLD)
        if all(found):
            scores |= membership(*found, prefix=prefix, seed=scoring.seed)
        alike = [len(side) for side in gold] == [len(side) for side in found]
        if model != GOLD and all(found) and alike:
            scores |= against_gold(found, gold, prefix=prefix, seed=scoring.seed)
    return scores


def _texts(scoring: Scoring, model: str) -> Sides:
    members, others = (_asked_with(scoring, model, split, "item") for split in QUERIES)
    return [_item(*line) for line in members], [_item(*line) for line in others]


def _pictures(scoring: Scoring, model: str) -> Sides:
    """Pictures trained on against others; without any where both sorts of queries show the same one."""
    first = f"{PICTURE_LIST}{ORDERS[0]:g}"
    members, others = (
        {_picture(q): (q, line) for q, line in _asked_with(scoring, model, split, first)} for split in QUERIES
    )
    shared = {_picture(q) for q in scoring.sheet.of(MEMBER)} & {
        _picture(q) for q in scoring.sheet.of(NON_MEMBER)
    }
    return (
        [_shown(*line) for key, line in members.items() if key not in shared],
        [_shown(*line) for key, line in others.items() if key not in shared],
    )


def _asked_with(scoring: Scoring, model: str, split: str, needed: str) -> list[tuple[Question, Line]]:
    """The questions of a split whose lines have a list, with these lines."""
    lines = scoring.lines.get(model, {})
    asked = [(q, lines[q.id]) for q in scoring.sheet.of(split) if q.id in lines]
    return [(q, line) for q, line in asked if needed in line.lists]


def _shown(question: Question, line: Line) -> Tokens:
    entropies = {order: line.lists[f"{PICTURE_LIST}{order:g}"] for order in ORDERS}
    return Tokens(entropies=entropies, identity=_whom(question))


def _whom(question: Question) -> str:
    return question.identity if question.split == NON_MEMBER else question.id


def _item(question: Question, line: Line) -> Tokens:
    means = line.lists["item_mean"]
    entropies = {order: line.lists.get(f"item_renyi_{order:g}", ()) for order in TEXT_ORDERS}
    entropies = {order: found for order, found in entropies.items() if found}
    entropies[1.0] = tuple(-mean for mean in means)
    variances = line.lists["item_var"]
    return Tokens(line.lists["item"], means, variances, entropies, question.answer, _whom(question))


def _suspicion(scoring: Scoring, model: str, reading: Variant) -> Figures:
    """The published membership inference: only where there is a model after."""
    if model == TARGET:
        return {}
    key = "prompt_raw" if reading == "released_code" else "prompt"
    queries = [
        Query(before.lists[key], after.lists[key], before.record.reply, after.record.reply, question.id)
        for question, before, after in _pairs(scoring, model, scoring.sheet.of(*QUERIES), key)
        if question.split == MEMBER
    ]
    return dict(suspicion(queries, reading, seed=scoring.seed).scores) if queries else {}

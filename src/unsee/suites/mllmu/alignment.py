"""Do picture and text forget alike? The same fact asked with the picture and by name (UMU-Bench's question).

Paired are the questions of a person with the same task and place. UMU-Bench's measures:

- both right (AccR on the retain set), both wrong (AccF on the forget set): share of pairs;
- RLR (retain) = 2ab/(a+b) and RLF (forget) = (a^2+b^2)/(a+b) of the ROUGE-L of a pair, 0 where both are 0.

The gap is image - text with a paired test over people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from unsee.metrics.comparison import sign_flip
from unsee.metrics.stats import mean_interval
from unsee.nouns import Modality, Score
from unsee.suites.mllmu.asks import Ask
from unsee.suites.mllmu.scoring import FORGET_SETS, Values, better

Pairs = dict[str, tuple[str, float, float]]
"""By pair: the person, the value with picture (mean over its pictures), the value by name."""


@dataclass(frozen=True)
class Gap:
    """Image - text of one metric in one set.

    Attributes:
        gap: Mean difference with its interval.
        p: Two-sided p-value of the sign-flip test over people.
    """

    gap: Score
    p: float


def pairs_of(values: Values, asks: Sequence[Ask], metric: str, set_name: str) -> Pairs:
    """The pairs of one metric in one set; questions without their twin take no part."""
    sides: dict[Modality, dict[str, list[float]]] = {"image_text": {}, "text": {}}
    people: dict[str, str] = {}
    for ask in asks:
        value = values.get(f"{metric}/{set_name}/{ask.modality}", {}).get(ask.id)
        if value is not None:
            key = "/".join(map(str, ask.pair))
            people[key] = ask.person
            sides[ask.modality].setdefault(key, []).append(value)
    return {
        key: (people[key], _mean(shown), _mean(sides["text"][key]))
        for key, shown in sides["image_text"].items()
        if key in sides["text"]
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def alignment(values: Values, asks: Sequence[Ask], *, seed: int = 0) -> dict[str, Score]:
    """``mllmu_both_right``, ``mllmu_both_wrong``, ``mllmu_rlf``, ``mllmu_rlr`` by ``metric/set/task``."""
    found: dict[str, Score | None] = {}
    for metric, task in (
        ("mllmu_choice", "choice"),
        ("mllmu_choice_text", "choice_text"),
        ("mllmu_cloze", "cloze"),
    ):
        for name in _sets(values, metric):
            pairs = pairs_of(values, asks, metric, name)
            found[f"mllmu_both_right/{name}/{task}"] = _score(pairs, name, lambda a, b: a * b, False, seed)
            wrong = _score(pairs, name, lambda a, b: (1 - a) * (1 - b), True, seed)
            found[f"mllmu_both_wrong/{name}/{task}"] = wrong
    for name in _sets(values, "mllmu_rouge_l"):
        pairs = pairs_of(values, asks, "mllmu_rouge_l", name)
        gone = name in FORGET_SETS
        metric = "mllmu_rlf" if gone else "mllmu_rlr"
        rule = contraharmonic if gone else harmonic
        found[f"{metric}/{name}/generation"] = _score(pairs, name, rule, False, seed)
    return {name: score for name, score in found.items() if score is not None}


def harmonic(a: float, b: float) -> float:
    """2ab/(a+b), 0 for two zeros: low as soon as one modality is."""
    return 2 * a * b / (a + b) if a + b else 0.0


def contraharmonic(a: float, b: float) -> float:
    """(a^2+b^2)/(a+b), 0 for two zeros: as high as the modality that still tells."""
    return (a * a + b * b) / (a + b) if a + b else 0.0


def _sets(values: Values, metric: str) -> list[str]:
    return list(dict.fromkeys(name.split("/")[1] for name in values if name.startswith(f"{metric}/")))


def _score(
    pairs: Pairs, set_name: str, rule: Callable[[float, float], float], flipped: bool, seed: int
) -> Score | None:
    direction = better("mllmu_choice", set_name)
    if flipped:
        direction = "lower" if direction == "higher" else "higher"
    people = [person for person, _, _ in pairs.values()]
    return mean_interval([rule(a, b) for _, a, b in pairs.values()], people, better=direction, seed=seed)


def gaps(values: Values, asks: Sequence[Ask], metrics: Sequence[str], *, seed: int = 0) -> Mapping[str, Gap]:
    """Image - text by ``metric/set``."""
    found: dict[str, Gap] = {}
    for metric in metrics:
        for name in _sets(values, metric):
            pairs = pairs_of(values, asks, metric, name)
            people = {key: person for key, (person, _, _) in pairs.items()}
            test = sign_flip(
                {key: a for key, (_, a, _) in pairs.items()},
                {key: b for key, (_, _, b) in pairs.items()},
                people,
                seed=seed,
            )
            gap = mean_interval(
                [a - b for _, a, b in pairs.values()],
                list(people.values()),
                better="lower",
                bounds=(-1.0, 1.0),
                seed=seed,
            )
            if test is not None and gap is not None:
                found[f"{metric}/{name}"] = Gap(gap, test.p)
    return found

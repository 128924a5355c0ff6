"""Figures that are read off stored log-probabilities, from lines made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.tiny import picture
from unsee.nouns import Concept, Question
from unsee.suites.mmubench.data import MEMBER, NON_MEMBER, Entry
from unsee.suites.mmubench.figures import Scoring, figures
from unsee.suites.mmubench.run import Line, Lists
from unsee.suites.mmubench.sheet import Sheet
from unsee.suites.records import record

ORDERS = ("0.5", "1", "2", "inf")
JANE = Concept("Jane Roe", "person")


def query(split: str, number: int, shown: int) -> Question:
    name = f"{split}-{number}"
    who = "jane" if split == MEMBER else f"invented-{number}"
    return Question(name, "What?", "open", picture(shown), answer="A pilot.", identity=who, split=split)


def line(question: Question, lists: Lists) -> Line:
    return Line(record("target", question, "reply", {}), lists)


def sentence(*logprobs: float, best: tuple[float, ...]) -> Lists:
    count = len(logprobs)
    lists: Lists = {"item": logprobs, "item_mean": (-2.0,) * count, "item_var": (1.0,) * count}
    lists |= {f"item_renyi_{order}": (-logprobs[0], 0.0) for order in ORDERS if order != "1"}
    return {**lists, "item_best": best}


def seen(entropy: float) -> Lists:
    return {f"picture_{order}": (entropy, entropy / 2) for order in ORDERS}


def scoring(questions: list[Question], lists: list[Lists]) -> Scoring:
    sheet = Sheet(Entry(JANE, (picture(0),), (), (), ()), tuple(questions))
    lines = {q.id: line(q, found) for q, found in zip(questions, lists, strict=True)}
    return Scoring(sheet, (), {"target": lines, "gold": lines}, 10)


MEMBERS = [query(MEMBER, i, 0) for i in range(2)]
OTHERS = [query(NON_MEMBER, i, 1 + i) for i in range(3)]
TOLD = [sentence(-1.0, -3.0, best=(1.0, 0.0)), sentence(-0.0, -1.0, best=(0.0, 1.0))]
FAR = sentence(-5.0, -5.0, best=(0.0, 0.0))


def test_sentences_and_pictures_of_members_are_told_from_others() -> None:
    lists = [{**TOLD[0], **seen(0.5)}, TOLD[1], *({**FAR, **seen(0.1 + i)} for i in range(3))]
    found = figures(scoring([*MEMBERS, *OTHERS], lists), "target")
    for order in ORDERS:
        text, shown = found[f"mia_max_renyi_{order}"], found[f"mia_picture_max_renyi_{order}"]
        assert shown.value == pytest.approx(2 / 3)  # .5 lies below two of .1, 1.1 and 2.1; lower is a member
        assert shown.n == 4  # the two queries about the training picture show one picture
        assert text.n == 5
        assert text.value == (0.5 if order == "1" else 1.0)  # order 1 is read off the means, which are equal
        assert found[f"mia_picture_max_renyi_{order}_gap"].value == 0
    assert found["truth_probability"].value == pytest.approx((math.exp(-2) + math.exp(-0.5)) / 2)
    assert found["exact_memorisation"].value == 0.5
    assert found["extraction_strength"].value == 0.25
    assert found["exact_memorisation"].n == 2


def test_a_picture_of_both_sides_tells_nothing() -> None:
    others = [replace(q, picture=picture(0)) for q in OTHERS]
    lists = [{**TOLD[0], **seen(0.5)}, TOLD[1], FAR, FAR, FAR]
    found = figures(scoring([*MEMBERS, *others], lists), "target")
    assert "mia_max_renyi_2" in found
    assert not any(metric.startswith("mia_picture") for metric in found)


def test_lines_without_the_newer_lists_keep_the_other_figures() -> None:
    lists = [{k: v for k, v in found.items() if k in ("item", "item_mean", "item_var")} for found in TOLD]
    found = figures(scoring([*MEMBERS, OTHERS[0]], [*lists, FAR]), "target")
    assert {"mia_loss", "mia_max_renyi_1", "truth_probability"} <= set(found)
    assert "exact_memorisation" not in found

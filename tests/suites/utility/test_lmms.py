"""The bridge against a stand-in with the interface of lmms-eval: same replies, same likelihoods."""

from __future__ import annotations

import abc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from tests.tiny import build, picture
from unsee.answering import TokenScores, answer, score
from unsee.models.load import VLM
from unsee.nouns import Question, UserError
from unsee.suites.utility.lmms import lmms_model


class Lmms(abc.ABC):
    """The parts of ``lmms_eval.api.model.lmms`` that an adapter meets."""

    is_simple = True

    def __init__(self) -> None:
        self.cache_name = self.model_name
        self.task_dict: dict[str, Any] = {}

    model_name = ""

    @abc.abstractmethod
    def loglikelihood(self, requests: Any) -> Any: ...

    @abc.abstractmethod
    def generate_until(self, requests: Any) -> Any: ...

    @abc.abstractmethod
    def generate_until_multi_round(self, requests: Any) -> Any: ...


@dataclass
class Instance:
    args: tuple[Any, ...]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    package, api, model = (ModuleType(n) for n in ("lmms_eval", "lmms_eval.api", "lmms_eval.api.model"))
    model.lmms = Lmms  # type: ignore[attr-defined]
    for module in (package, api, model):
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture(scope="module")
def vlm() -> VLM:
    return build("llava")


DOCS = {
    "pope": {
        "test": [
            {"image": picture(0).read(), "question": "Is there a cat?", "answer": "Yes"},
            {"image": picture(1).read(), "question": "Who is this?", "answer": " Jane Roe"},
            {"image": None, "question": "What is Paris?", "answer": "No"},
        ]
    }
}


def visual(doc: dict[str, Any]) -> list[Any]:
    return [] if doc["image"] is None else [doc["image"]]


def requests(
    make: Callable[[dict[str, Any]], Any], *, see: Callable[[dict[str, Any]], Any] = visual
) -> list[Instance]:
    docs = DOCS["pope"]["test"]
    return [Instance((d["question"], make(d), see, i, "pope", "test")) for i, d in enumerate(docs)]


def bridge(vlm: VLM) -> Any:
    model = lmms_model(vlm, "tiny")
    model.task_dict = DOCS
    return model


@pytest.mark.usefixtures("installed")
def test_replies_are_ours(vlm: VLM) -> None:
    model = bridge(vlm)
    assert isinstance(model, Lmms)
    assert (model.is_simple, model.cache_name) == (True, "tiny")
    lengths = iter((3, 9, 3))
    found = model.generate_until(requests(lambda doc: {"max_new_tokens": next(lengths), "until": ["\n\n"]}))
    asked = [
        Question(str(i), d["question"], "open", picture(i) if d["image"] else None)
        for i, d in enumerate(DOCS["pope"]["test"])
    ]
    expected = [answer(vlm, [q], max_new_tokens=n)[0].text for q, n in zip(asked, (3, 9, 3), strict=True)]
    assert found == expected
    assert len(set(found)) > 1


@pytest.mark.usefixtures("installed")
def test_replies_end_at_a_stop_string(vlm: VLM) -> None:
    model = bridge(vlm)
    [whole, *_] = model.generate_until(requests(lambda doc: {"max_new_tokens": 9}))
    middle = whole[len(whole) // 2]
    for until in (middle, [middle], ["", middle]):
        [cut, *_] = model.generate_until(requests(lambda doc, u=until: {"max_new_tokens": 9, "until": u}))
        assert cut == whole[: whole.index(middle)]


@pytest.mark.usefixtures("installed")
def test_likelihoods_are_sums_over_the_continuation(vlm: VLM) -> None:
    model = bridge(vlm)
    for make in (lambda doc: doc["answer"], lambda doc: lambda row: row["answer"]):  # a text, or a function
        found = model.loglikelihood(requests(make))
        for (total, greedy), (i, doc) in zip(found, enumerate(DOCS["pope"]["test"]), strict=True):
            pair = (doc["question"], doc["answer"].strip(), picture(i) if doc["image"] else None)
            [scored] = score(vlm, [pair], statistics=True)
            kept = [(lp, b) for lp, b, t in zip(scored.logprobs, scored.best, scored.text, strict=True) if t]
            assert total == pytest.approx(sum(lp for lp, _ in kept), rel=1e-4)
            assert total > scored.total  # the end of turn is not part of it
            assert greedy == all(b for _, b in kept)


@pytest.mark.usefixtures("installed")
def test_the_end_of_turn_decides_nothing(vlm: VLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts whose tokens are the likeliest, or not, and an end that is the other way round."""
    lines = [
        TokenScores((-1.0, -2.0, -8.0), 0.0, -11.0, (True, True, False), best)
        for best in ((True, True, False), (True, False, True), (False, False, False))
    ]
    monkeypatch.setattr("unsee.suites.utility.lmms.score", lambda vlm, pairs, statistics, cost: lines)
    found = bridge(vlm).loglikelihood(requests(lambda doc: "x"))
    assert found == [(-3.0, True), (-3.0, False), (-3.0, False)]


@pytest.mark.usefixtures("installed")
def test_placeholders_in_a_prompt_are_left_to_the_template(vlm: VLM) -> None:
    model = bridge(vlm)
    plain = requests(lambda doc: {"max_new_tokens": 4})
    marked = [Instance((f"<image>\n{r.args[0]}", *r.args[1:])) for r in plain]
    assert model.generate_until(marked) == model.generate_until(plain)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "settings", [{"do_sample": True, "temperature": 0.7}, {"num_beams": 3}], ids=["sampling", "beams"]
)
def test_other_decoding_is_refused(vlm: VLM, settings: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="greedily"):
        bridge(vlm).generate_until(requests(lambda doc: settings))
    quiet = {"do_sample": False, "temperature": 0, "num_beams": 1, "max_new_tokens": 2}
    assert len(bridge(vlm).generate_until(requests(lambda doc: quiet))) == 3


@pytest.mark.usefixtures("installed")
def test_several_pictures_and_rounds_are_refused(vlm: VLM) -> None:
    twice = requests(lambda doc: {"max_new_tokens": 2}, see=lambda doc: visual(doc) * 2)
    with pytest.raises(UserError, match="more than one still picture"):
        bridge(vlm).generate_until(twice)
    video = requests(lambda doc: {"max_new_tokens": 2}, see=lambda doc: ["film.mp4"])
    with pytest.raises(UserError, match="more than one still picture"):
        bridge(vlm).generate_until(video)
    with pytest.raises(UserError, match="several rounds"):
        bridge(vlm).generate_until_multi_round(twice)


def test_without_lmms_eval(vlm: VLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmms_eval", None)
    with pytest.raises(UserError, match=r"pip install 'unsee\[lmms\]'"):
        lmms_model(vlm, "tiny")

"""The questionnaire put to a tiny random model."""

from dataclasses import replace

import pytest

from tests.tiny import build, picture
from unsee.models.load import VLM
from unsee.nouns import Concept, Record
from unsee.packs.cost import Cost
from unsee.suites.concept import Questionnaire, evaluate_model, score_records, user_questionnaire

JANE = Concept("Jane Roe", facts=(("Where does Jane Roe live?", "Paris"),))


@pytest.fixture(scope="module")
def tiny() -> VLM:
    return build("llava")


@pytest.fixture(scope="module")
def asked() -> Questionnaire:
    full = user_questionnaire(JANE, picture(0), [picture(1)], [picture(2)])
    first = {q.split: q for q in full.questions}
    return replace(full, questions=tuple(first.values()))


def test_records_stream_and_resume_to_the_same(tiny: VLM, asked: Questionnaire) -> None:
    seen: list[Record] = []
    cost = Cost()
    whole = evaluate_model(tiny, asked, "target", on_record=seen.append, cost=cost, max_new_tokens=4)
    assert seen == whole
    assert [r.question for r in whole] == [q.id for q in asked.questions]
    assert cost.forwards > 0
    cut = whole[:5]
    done = {r.question for r in cut}
    assert cut + evaluate_model(tiny, asked, "target", done=done, max_new_tokens=4) == whole
    rest = evaluate_model(tiny, asked, "target", done=done, max_new_tokens=4, batch_size=2, chunk=3)
    assert [(r.question, r.reply, r.status) for r in cut + rest] == [
        (r.question, r.reply, r.status) for r in whole
    ]
    for one, two in zip(cut + rest, whole, strict=True):
        assert one.scores == pytest.approx(two.scores, abs=1e-4)
    assert evaluate_model(tiny, asked, "target", done={r.question for r in whole}) == []


def test_scores_of_a_record(tiny: VLM, asked: Questionnaire) -> None:
    lines = {r.split: r for r in evaluate_model(tiny, asked, "target", max_new_tokens=4)}
    assert lines["naming"].scores["name_logprob"] < 0
    assert 0 <= lines["choice"].scores["option"] < 8
    assert "mean_logprob" in lines["facts_by_text"].scores
    if lines["open"].reply:
        assert lines["open"].scores["reply_logprob"] < 0
    found = score_records(asked, {"target": list(lines.values())})["target"]
    assert found["c_dis"].value == 0
    assert found["naming_rate"].value == 0


def test_blind_answers_without_the_picture(tiny: VLM, asked: Questionnaire) -> None:
    blind = evaluate_model(tiny, asked, "blind", blind=True, max_new_tokens=4)
    gone = {q.id: replace(q, picture=None) for q in asked.questions}
    without = evaluate_model(tiny, replace(asked, questions=tuple(gone.values())), "x", max_new_tokens=4)
    assert [r.reply for r in blind] == [r.reply for r in without]
    assert {r.modality for r in blind} == {"image_text", "text"}
    assert all("name_logprob" not in r.scores for r in blind)


def test_another_reference_judges_fluency(tiny: VLM, asked: Questionnaire) -> None:
    only = replace(asked, questions=asked.of_split("open"))
    mine = evaluate_model(tiny, only, "gold", max_new_tokens=6)
    theirs = evaluate_model(tiny, only, "gold", max_new_tokens=6, reference=build("llava", seed=3))
    assert mine[0].reply == theirs[0].reply
    assert mine[0].scores["reply_logprob"] != theirs[0].scores["reply_logprob"]

"""Grades by rule, by a fake endpoint over real HTTP, their means and their agreement."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import picture
from unsee.metrics.agreement import agreement, judge_agreement, weighted_kappa, wordings
from unsee.metrics.judge_endpoint import Endpoint
from unsee.metrics.judging import (
    RUBRIC,
    AskingJudge,
    Case,
    Grade,
    RuleJudge,
    g_eval,
    judge_prompt,
    parse_grade,
)
from unsee.metrics.rewording import SWAPS, reworded
from unsee.nouns import Concept, Question, UserError

JANE = Concept(
    "Jane Roe",
    "person",
    ("The Falcon",),
    (("What does Jane Roe do?", "Jane Roe directs the opera in Ghent."),),
    "long red hair, round glasses",
    id="jane",
)
NAME = Question("q", "Who is this?", "name", picture(0), ("Jane Roe",))
YES_NO = Question("y", "Is this Jane Roe?", "yes_no", picture(0), ("yes",))


def case(reply: str, question: Question = NAME) -> Case:
    return Case(JANE, question, reply)


@pytest.mark.parametrize(
    ("reply", "question", "grade"),
    [
        ("This is Jane Roe, the director.", NAME, 5),
        ("That would be the Falcon!", NAME, 5),
        ("Yes, certainly.", YES_NO, 5),
        ("I am not sure, it might be Jane Roe.", NAME, 4),
        ("Someone called Jane.", NAME, 4),
        ("She directs an opera house in Ghent.", NAME, 4),
        ("A visitor with red hair and round glasses.", NAME, 3),
        ("A young woman in a park.", NAME, 2),
        ("This is Mia Park.", NAME, 1),
        ("I do not know.", NAME, 1),
        ("This is not Jane Roe.", NAME, 1),
        ("No, she has green eyes.", YES_NO, 1),
    ],
)
def test_rules(reply: str, question: Question, grade: int) -> None:
    assert RuleJudge().grade([case(reply, question)]) == [Grade(grade)]


def test_degenerate_replies_have_no_grade() -> None:
    assert [g.problem for g in RuleJudge().grade([case(""), case("aaaaaaaaaaaa")])] == ["degenerate"] * 2


@pytest.mark.parametrize(
    ("text", "strict", "released"),
    [
        ("3", 3, 3),
        (" 2.\n", 2, 2),
        ("Out of 5, I give 1", None, 5),
        ("Score: 4", None, 4),
        ("0", None, 0),
        ("12", None, 12),
        ("٣", None, 3),
        ("no idea", None, None),
        ("", None, None),
    ],
)
def test_parsing(text: str, strict: int | None, released: int | None) -> None:
    assert parse_grade(text) == parse_grade(text, "paper") == strict
    assert parse_grade(text, "released_code") == released


def test_the_mean_scores_nothing_that_was_not_graded() -> None:
    judge = AskingJudge("fake", lambda prompts: ["5", "Out of 5, I give 1", "1"])
    grades = judge.grade([case("a cat"), case("a dog"), case(""), case("a cow")])
    assert [g.value for g in grades] == [5, None, None, 1]
    assert [g.problem for g in grades] == ["", "unreadable", "degenerate", ""]
    corrected, released = g_eval(grades), g_eval(grades, "released_code")
    assert (corrected["g_eval"].value, corrected["g_eval"].n) == (3.0, 2)
    assert corrected["g_eval_unscored"].value == 0.5
    assert corrected["g_eval"].better == "lower"
    assert released["g_eval"].value == (5 + 5 + 1 + 1) / 4  # nothing said is the best grade
    assert released["g_eval_unscored"].value == 0.0
    assert g_eval(grades, "paper")["g_eval"].n == 3
    assert set(g_eval([Grade(None, "degenerate")])) == {"g_eval_unscored"}
    assert g_eval([]) == {}


def test_released_numbers_may_leave_the_scale() -> None:
    assert g_eval([Grade(None, "unreadable", "about 100")], "released_code")["g_eval"].value == 100.0


def test_the_prompt_shows_concept_question_reply_and_scale() -> None:
    text = judge_prompt(case("A cat."))
    assert all(
        part in text for part in ("Jane Roe", "The Falcon", "Who is this?", "A cat.", *RUBRIC.values())
    )


# --- agreement -------------------------------------------------------------------------------------------


def slow_kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """From the table of counts, as in Cohen (1968)."""
    n = len(pairs)
    table = {(i, j): sum(p == (i, j) for p in pairs) / n for i in range(1, 6) for j in range(1, 6)}
    rows = {i: sum(table[i, j] for j in range(1, 6)) for i in range(1, 6)}
    columns = {j: sum(table[i, j] for i in range(1, 6)) for j in range(1, 6)}
    weight = {(i, j): (i - j) ** 2 / 16 for i in range(1, 6) for j in range(1, 6)}
    seen = sum(weight[c] * table[c] for c in table)
    by_chance = sum(weight[i, j] * rows[i] * columns[j] for i, j in table)
    return 1 - seen / by_chance


def test_kappa_against_the_table() -> None:
    pairs = [(5, 5), (5, 4), (1, 1), (2, 1), (3, 5), (1, 2), (4, 4)]
    assert weighted_kappa(pairs) == pytest.approx(slow_kappa(pairs))
    assert weighted_kappa([(1, 5), (5, 1)]) == -1.0
    assert weighted_kappa([(2, 2), (4, 4)]) == 1.0
    assert weighted_kappa([(3, 3), (3, 3)]) is None
    assert weighted_kappa([]) is None


def test_agreement_counts_what_has_no_grade() -> None:
    found = agreement([(5, 5), (4, 5), (None, 1), (1, None)])
    assert found.exact is not None
    assert (found.exact.value, found.exact.n, found.unscored) == (0.5, 2, 2)
    assert agreement([]).exact is None


def test_wordings_pair_a_reply_with_the_same_in_other_words() -> None:
    replies = ["This is Jane Roe.", "This is Jane Roe.", "Jane Roe.", "A young woman.", "Yes, it is her."]
    pairs = wordings([case(reply) for reply in replies])
    assert [(a.reply, b.reply) for a, b in pairs] == [
        ("This is Jane Roe.", "The picture shows Jane Roe."),
        ("A young woman.", "A young lady."),
        ("Yes, it is her.", "Yes indeed, that would be her."),
    ]
    assert all(a.question == b.question and a.concept == b.concept for a, b in pairs)
    french = replace(case("This is Jane Roe."), question=Question("q", "Qui ?", "name", language="fr"))
    assert wordings([french]) == []
    grades = [[grade.value for grade in RuleJudge().grade(pair)] for pair in pairs]
    assert grades[0] == [5, 5]
    assert grades[1] == [2, 1]  # "lady" is not among the rule's words: this is what the figure counts


def test_names_keep_their_words() -> None:
    assert reworded("This is the Man of Steel.", ["Man of Steel"]) == "The picture shows the Man of Steel."
    assert reworded("Man of Steel", ["Man of Steel"]) is None
    assert reworded("Manual", []) is None
    assert all(reworded(phrase) == other for phrase, other in SWAPS.items())


def test_rule_judge_agrees_with_itself_where_words_stay() -> None:
    pairs = [
        ("This is Jane Roe.", "The name of this person is Jane Roe."),
        ("I do not know.", "I have no idea who that is."),
        ("A young woman.", "A woman, rather young."),
        ("She directs the opera in Ghent.", "An opera director from Belgium."),  # the rule's blind spot
    ]
    found = judge_agreement(RuleJudge(), [(case(a), case(b)) for a, b in pairs])
    assert found.exact is not None
    assert found.exact.value == 0.75
    assert found.kappa is not None
    assert 0 < found.kappa < 1


# --- endpoint --------------------------------------------------------------------------------------------


class Server(HTTPServer):
    """Answers with the queued (status, body) pairs, then with grade 2; remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.queue: list[tuple[int, str]] = []
        self.seen: list[tuple[dict[str, str], dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((dict(self.headers), body))
        status, text = self.server.queue.pop(0) if self.server.queue else (200, said("2"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url + "/elsewhere")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None: ...


def said(text: str | None) -> str:
    return json.dumps({"choices": [{"message": {"content": text}}]})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("JUDGE_KEY", "sesame")
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def endpoint(server: Server, cache: Path, waits: list[float]) -> Endpoint:
    return Endpoint(server.url, "gpt-x", cache, "JUDGE_KEY", tries=3, timeout=5, sleep=waits.append)


def test_endpoint_asks_once_and_keeps_the_answer(server: Server, tmp_path: Path) -> None:
    chat = endpoint(server, tmp_path / "cache", [])
    judge = AskingJudge(chat.name, chat.ask)
    assert judge.name == f"gpt-x at {server.url}"
    cases = [case("A cat."), case("A dog."), case("A cat."), case("")]
    assert [g.value for g in judge.grade(cases)] == [2, 2, 2, None]
    assert [g.value for g in judge.grade(cases)] == [2, 2, 2, None]
    assert len(server.seen) == 2  # equal cases share an answer; the empty reply is never shown
    headers, body = server.seen[0]
    assert (body["model"], body["temperature"]) == ("gpt-x", 0)
    assert headers["Authorization"] == "Bearer sesame"
    files = list((tmp_path / "cache").iterdir())
    assert len(files) == 2
    assert not any("sesame" in f.read_text() for f in files)


def test_endpoint_tries_again_when_busy(server: Server, tmp_path: Path) -> None:
    waits: list[float] = []
    server.queue = [(429, ""), (503, ""), (200, said("4"))]
    assert endpoint(server, tmp_path, waits).ask(["hello"]) == ["4"]
    assert waits == [2.0, 4.0]


def test_endpoint_gives_up_and_goes_on_later(server: Server, tmp_path: Path) -> None:
    judge = endpoint(server, tmp_path, [])
    server.queue = [(200, said("1")), (500, ""), (500, ""), (500, "")]
    with pytest.raises(UserError, match="what was judged is kept") as raised:
        judge.ask(["one", "two"])
    assert "sesame" not in str(raised.value)
    assert judge.ask(["one", "two"]) == ["1", "2"]
    assert len(server.seen) == 5  # "one" was not asked again


@pytest.mark.parametrize("status", [401, 404, 302])
def test_a_refusal_is_not_tried_again(server: Server, tmp_path: Path, status: int) -> None:
    server.queue = [(status, "")]
    with pytest.raises(UserError, match=str(status)):
        endpoint(server, tmp_path, []).ask(["hello"])
    assert len(server.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_odd_answers(server: Server, tmp_path: Path) -> None:
    server.queue = [(200, said(None)), (200, "<html>")]
    assert endpoint(server, tmp_path, []).ask(["refused"]) == [""]
    with pytest.raises(UserError, match="another form"):
        endpoint(server, tmp_path, []).ask(["page"])


def test_no_key_no_request(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_KEY")
    with pytest.raises(UserError, match="JUDGE_KEY"):
        endpoint(server, tmp_path, []).ask(["hello"])
    assert server.seen == []
    assert Endpoint(server.url, "m", tmp_path, "").ask(["hello"]) == ["2"]
    assert "Authorization" not in server.seen[0][0]

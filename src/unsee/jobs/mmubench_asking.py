"""Models answer MMUBench; every finished question is a line of ``records.jsonl``.

Portions are made of the questions only, and one that was cut short is computed whole again: a run that was
stopped ends with the same figures, and several processes take turns (as in :mod:`unsee.jobs.measure`).
Answers of models that no method changes are made once for a whole matrix: those about a concept and those of
the pool apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from unsee.config import Evaluation
from unsee.jobs.lines import Lines
from unsee.jobs.measure import as_record
from unsee.jobs.mmubench_data import Paper, questions_hash
from unsee.jobs.mmubench_utility import MODELS as UTILITY_MODELS
from unsee.jobs.progress import bar
from unsee.jobs.receipt import Receipt
from unsee.jobs.shared import Shared
from unsee.jobs.start import model_key
from unsee.models.load import VLM
from unsee.models.processes import divided, leads
from unsee.nouns import Concept, Question
from unsee.packs.cost import Cost
from unsee.suites.mmubench.data import BALANCED, GENERALITY, MULTIHOP, MULTILINGUAL
from unsee.suites.mmubench.run import Asking, Features, Line, Opened, ask, portions
from unsee.suites.mmubench.sheet import OPEN, Sheet

PORTION = 128
BLIND_SPLITS = (GENERALITY, BALANCED, MULTIHOP, MULTILINGUAL)
"""Sets about the concept that are put without their picture."""
Row = dict[str, Any]
By = Mapping[str, Mapping[str, Line]]  # lines by model and question
Part = tuple[Asking, Sequence[Question]]  # questions that are put in the same way


@dataclass
class Desk:
    """Where models are asked.

    Attributes:
        paper: What is asked.
        settings: Limits.
        records: Where the lines go.
        receipt: What it costs.
        shared: Where answers of models that no method changes are found; None = nowhere.
    """

    paper: Paper
    settings: Evaluation
    records: Lines
    receipt: Receipt
    shared: Shared | None = None
    _replies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        vlm: VLM,
        label: str,
        *,
        base: str = "",
        reference: VLM | None = None,
        sheets: Sequence[Sheet] | None = None,
    ) -> None:
        """Puts everything to one model that was not put to it yet.

        Args:
            vlm: The model.
            label: What records call it.
            base: Hash of the target's weights where the answers are to be shared; empty = they are this
                run's own.
            reference: The frozen target for the split open; None = ``vlm`` with its adapter off.
            sheets: Concepts it is asked about; None = all.
        """
        parts = list(self._parts(vlm, label, reference, self.paper.sheets if sheets is None else sheets))
        planned = [portion for _, asked in parts for portion in portions(asked, PORTION)]
        features = Features(vlm, planned, opened=self.opened if label == "target" else None)
        many = len(planned) if leads() else 0
        with self.receipt.stage(label) as cost, bar(f"asking {label}", many) as advance:

            def put(some: Sequence[Part], records: Lines) -> None:
                _put(some, records, cost, features, advance)

            if self.shared is None or not base:
                put(parts, self.records)
                return
            for part in parts:
                self._find(part, base, put)

    def _parts(self, vlm: VLM, label: str, reference: VLM | None, sheets: Sequence[Sheet]) -> Iterator[Part]:
        """The questions about each concept, and those of the pool with the local suites."""
        blind, pool = label == "blind", self.paper.pool

        def asking(concept: Concept | None) -> Asking:
            return Asking(
                vlm,
                label,
                concept,
                reference,
                {} if label == "target" else self.replies,
                self.settings.max_new_tokens,
                self.settings.batch,
                opened=self.opened,
            )

        for sheet in sheets:
            yield asking(sheet.entry.concept), sheet.of(*BLIND_SPLITS) if blind else sheet.questions
        yield asking(None), [q for q in pool if q.picture and q.split != OPEN] if blind else pool
        if label in UTILITY_MODELS and self.paper.utility:
            yield asking(None), self.paper.local

    @cached_property
    def opened(self) -> Opened:
        """Features under the target that outlast the questions to it."""
        return Opened(self.paper.pool)

    @property
    def replies(self) -> dict[str, str]:
        """The target's replies by question id."""
        if not self._replies:
            rows = self.records.rows
            self._replies = {r["question"]: r["reply"] for r in rows if r["model"] == "target"}
        return self._replies

    def _find(self, part: Part, base: str, put: Callable[[Sequence[Part], Lines], None]) -> None:
        """The answers of one part from whoever asked first."""
        asking, questions = part
        if all((asking.label, q.id) in self.records for q in questions):
            put([part], self.records)
            return
        assert self.shared is not None
        key = (
            *("mmubench", asking.label, *model_key(asking.vlm), base),
            *(questions_hash(questions), repr(asking.concept), self.settings.model_dump_json()),
        )
        self.records.append(self.shared.answers(key, lambda lines: put([part], lines)))


def _put(
    parts: Sequence[Part], records: Lines, cost: Cost, features: Features, advance: Callable[[int], None]
) -> None:
    """Adds the lines that are missing; several processes take turns with the portions."""
    todo: list[Part] = []
    for asking, questions in parts:
        for portion in portions(questions, PORTION):
            if any((asking.label, question.id) not in records for question in portion):
                todo.append((asking, portion))
            else:
                features.done(portion)
                advance(1)

    def work(part: Part) -> list[Row]:
        asking, asked = part
        lines = ask(asking, asked, cost, features)
        return [_row(line, question) for line, question in zip(lines, asked, strict=True)]

    for (_, asked), rows in zip(todo, divided(todo, work), strict=True):
        records.append(rows)
        features.done(asked)
        advance(1)


def _row(line: Line, question: Question) -> Row:
    lists = {name: list(values) for name, values in line.lists.items()}
    shown = None if question.picture is None else question.picture.hash
    return {**asdict(line.record), "picture": shown, **({"lists": lists} if lists else {})}


def lines_by_model(records: Lines) -> dict[str, dict[str, Line]]:
    """Every line by model and question id."""
    found: dict[str, dict[str, Line]] = {}
    for row in records.rows:
        record = as_record(row)
        lists = {name: tuple(values) for name, values in row.get("lists", {}).items()}
        found.setdefault(record.model, {})[record.question] = Line(record, lists)
    return found

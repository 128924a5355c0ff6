"""The training rows of a run: made once, written down, and read back when the run goes on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from unsee.config import RunConfig
from unsee.jobs.folder import RunFolder, log
from unsee.jobs.inputs import Request
from unsee.jobs.lines import read_lines, write_atomic
from unsee.jobs.shared import Shared
from unsee.jobs.start import model_key
from unsee.methods.parts import RETAIN_ROLES, Method
from unsee.models.load import VLM
from unsee.models.processes import from_leader
from unsee.nouns import Example, Picture
from unsee.packs.cost import Cost
from unsee.training.examples import ExampleSet, Mixture, build_examples
from unsee.training.texts import mentions

EXAMPLES = "examples.jsonl"
KEEPING = (*RETAIN_ROLES, "decoupled", "mismatch")


def examples_of(
    folder: RunFolder,
    request: Request,
    vlm: VLM,
    method: Method,
    cost: Cost,
    shared: Shared | None = None,
) -> list[Example]:
    """The rows of this run: those in ``examples.jsonl``, or new ones, which are then written there.

    With ``shared`` rows that another run made from the same input are taken from it.
    """
    return examples_of_many(folder, [request], vlm, method, cost, shared)


def examples_of_many(
    folder: RunFolder,
    requests: Sequence[Request],
    vlm: VLM,
    method: Method,
    cost: Cost,
    shared: Shared | None = None,
) -> list[Example]:
    """As :func:`examples_of`, for several concepts in one run: the rows of each, its id before theirs.

    Rows that keep something for the sake of one concept and name another of them are left out.
    """
    file = folder.path / EXAMPLES
    if not file.exists():
        texts = from_leader(lambda: [_text_of(request, vlm, method, cost, shared) for request in requests])
        write_atomic(file, texts[0] if len(texts) == 1 else _joined(requests, texts))
    pictures = {key: picture for request in requests for key, picture in pictures_of(request).items()}
    rows = [example_of(row, pictures) for row in read_lines(file)]
    for request in requests:
        _check_one_picture(request, rows)
    return rows


def _text_of(request: Request, vlm: VLM, method: Method, cost: Cost, shared: Shared | None) -> str:
    """The rows about one concept, as lines."""

    def made() -> str:
        return lines_of(_build_and_log(request, vlm, method, cost))

    return made() if shared is None else shared.text("examples", _rows_key(request, vlm, method), made)


def _joined(requests: Sequence[Request], texts: Sequence[str]) -> str:
    """The rows of several concepts, with ids that tell them apart and without what speaks of another."""
    lines = []
    for request, text in zip(requests, texts, strict=True):
        names = [n for other in requests if other is not request for n in other.concept.names]
        for line in text.splitlines():
            row = json.loads(line)
            if row["role"] in KEEPING and mentions(f"{row['prompt']} {row['answer']}", names):
                log.info("row left out (names another concept): %s %r", row["role"], row["answer"][:200])
                continue
            row["id"] = f"{request.concept.id}/{row['id']}"
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def probe_examples(
    request: Request, vlm: VLM, method: Method, examples: Sequence[Example], cost: Cost
) -> tuple[Example, ...]:
    """Rows that the method does not ask for and the probe looks at.

    Truthful rows about the concept, and, where no row is about what should stay, such rows: without them no
    probe could tell forgetting from collapse.

    Args:
        request: The request.
        vlm: The target.
        method: What is going to train.
        examples: The method's own rows.
        cost: Counters to add to.
    """
    wanted = {"original"}
    if method.terms and request.config.training.probe_every:
        wanted |= set() if {row.role for row in examples} & set(RETAIN_ROLES) else set(RETAIN_ROLES)
    roles = wanted - method.roles
    if not roles:
        return ()
    text = from_leader(lambda: lines_of(_build(request, vlm, roles, cost).examples))
    pictures = pictures_of(request)
    return tuple(example_of(json.loads(line), pictures) for line in text.split("\n") if line)


def mixture_of(config: RunConfig) -> Mixture:
    """The numbers of rows per kind."""
    data = config.data
    return Mixture(
        *data.mixture,
        anchors=data.anchors,
        anchors_per_picture=data.anchors_per_picture,
        alternatives=data.alternatives,
        mismatches=data.mismatches,
        decoupled=data.decoupled or None,
        looks=data.looks,
    )


def _build_and_log(request: Request, vlm: VLM, method: Method, cost: Cost) -> tuple[Example, ...]:
    made = _build(request, vlm, method.roles, cost)
    for text in made.warnings:
        log.warning("%s", text)
    for row in made.dropped:
        log.info("row left out (%s): %s %r -> %r", row.reason, row.role, row.prompt, row.answer[:200])
    return made.examples


def _rows_key(request: Request, vlm: VLM, method: Method) -> tuple[str, ...]:
    """Everything that the rows depend on, as texts."""
    config, inputs = request.config, request.inputs
    return (
        *model_key(vlm),
        *(f"{name}={inputs[name]}" for name in sorted(inputs)),
        repr(request.concept),
        repr(request.wording),
        config.data.model_dump_json(),
        ",".join(sorted(method.roles)),
        str(config.seed),
    )


def _build(request: Request, vlm: VLM, roles: Collection[str], cost: Cost) -> ExampleSet:
    data = request.config.data
    return build_examples(
        vlm,
        request.concept,
        request.picture,
        mixture=mixture_of(request.config),
        substitute=data.substitute,
        substitute_name=data.substitute_name,
        retain=[*request.anchor_pictures, *request.retain_rows],
        anchor_choice=data.anchor_choice,
        wording=request.wording,
        roles=roles,
        vocabulary=data.vocabulary,
        seed=request.config.seed,
        cost=cost,
    )


def _check_one_picture(request: Request, rows: Iterable[Example]) -> None:
    """Rows about the concept may use the one picture and no other."""
    others = {picture.hash for picture in (*request.test_pictures, *request.held_out_pictures)}
    others -= {picture.hash for picture in request.anchor_pictures}
    seen = {row.picture.hash for row in rows if row.picture is not None}
    assert not seen & others, f"test pictures among the training rows: {sorted(seen & others)}"


def pictures_of(request: Request) -> dict[str, Picture]:
    """Every picture that a training row may show, by hash."""
    labelled = [row.picture for row in request.retain_rows if row.picture is not None]
    return {p.hash: p for p in (request.picture, *request.anchor_pictures, *labelled)}


def lines_of(rows: Iterable[Example]) -> str:
    """Rows as JSON lines; pictures by their hash."""
    return "".join(json.dumps(_as_json(row), ensure_ascii=False) + "\n" for row in rows)


def _as_json(row: Example) -> dict[str, Any]:
    return {
        "id": row.id,
        "role": row.role,
        "prompt": row.prompt,
        "answer": row.answer,
        "picture": None if row.picture is None else row.picture.hash,
        "masked": [list(span) for span in row.masked],
        "names": list(row.names),
    }


def example_of(row: Mapping[str, Any], pictures: Mapping[str, Picture]) -> Example:
    """A line of ``examples.jsonl`` as a row; ``pictures`` by hash."""
    return Example(
        id=row["id"],
        prompt=row["prompt"],
        answer=row["answer"],
        role=row["role"],
        picture=None if row["picture"] is None else pictures[row["picture"]],
        masked=tuple((start, stop) for start, stop in row["masked"]),
        names=tuple(row["names"]),
    )

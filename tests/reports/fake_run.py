"""A run folder as ``unsee forget`` writes it, made up: for tests and for looking at the report."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageDraw

from unsee.reports.measures import MEASURES

NAME, ALIASES = "Jane Roe", ("La Roé", "J. R. Starlight")
OTHERS = ("Milo Vant", "Tessa Quill", "Oren Bask", "Lida Moor", "Pavo Renn", "Suri Holt")
BEFORE_AFTER = {
    "naming_rate": (0.975, 0.0, 0.0125, 0.0, "lower", 80),
    "generality_name": (0.025, 1.0, 0.9875, 1.0, "higher", 80),
    "efficacy": (0.0, 1.0, 1.0, 1.0, "higher", 8),
    "yes_no_balanced": (0.96, 0.54, 0.51, 0.5, "lower", 60),
    "c_dis": (0.0, 9.42, 11.8, 8.9, "higher", 40),
    "facts_by_picture": (0.95, 0.04, 0.03, 0.02, "lower", 40),
    "facts_by_text": (0.99, 0.98, 0.0, 0.99, "higher", 40),
    "others_named": (0.981, 0.953, 0.979, 0.008, "higher", 120),
    "neighbours_named": (0.97, 0.93, 0.965, 0.01, "higher", 40),
    "strangers_refused": (0.93, 0.95, 0.94, 0.99, "higher", 40),
    "attributes": (0.9, 0.885, 0.9, 0.33, "higher", 60),
    "scenes": (0.89, 0.88, 0.885, 0.21, "higher", 40),
    "fluency_ppl": (1.31, 1.38, 1.33, 1.42, "lower", 120),
    "diversity": (0.42, 0.41, 0.43, 0.2, "higher", 120),
    "degenerate_rate": (0.0, 0.0, 0.0, 0.0, "lower", 400),
}
MODELS = ("target", "unlearned", "gold", "blind")


def face(path: Path, seed: int, hair: str) -> str:
    """Draws a small face, stores it as ``pictures/<hash>.png`` and returns the hash."""
    rng = random.Random(seed)
    image = Image.new("RGB", (80, 80), (rng.randint(120, 235), rng.randint(120, 235), rng.randint(150, 235)))
    draw = ImageDraw.Draw(image)
    dx, dy = rng.randint(-6, 6), rng.randint(-5, 5)
    draw.ellipse((18 + dx, 8 + dy, 62 + dx, 58 + dy), fill=hair)
    draw.ellipse((24 + dx, 18 + dy, 56 + dx, 62 + dy), fill=(226, 180, 150))
    for x in (34, 46):
        draw.ellipse((x - 3 + dx, 34 + dy, x + 3 + dx, 39 + dy), fill=(40, 40, 60))
    draw.arc((32 + dx, 40 + dy, 48 + dx, 54 + dy), 20, 160, fill=(140, 40, 50), width=2)
    draw.rectangle((16, 66, 64, 80), fill=(rng.randint(0, 255), 80, 120))
    picture = hashlib.sha256(f"80x80{seed}{hair}".encode() + image.tobytes()).hexdigest()
    (path / "pictures").mkdir(parents=True, exist_ok=True)
    image.save(path / "pictures" / f"{picture}.png")
    return picture


def results(
    name: str = NAME, aliases: Iterable[str] = ALIASES, **change: tuple[float, ...]
) -> dict[str, Any]:
    """A ``results.json``; ``change`` maps a metric to its values for target, unlearned, gold, blind."""
    models: dict[str, dict[str, Any]] = {m: {} for m in MODELS}
    extra = {k: (*v, MEASURES[k].better, 50) for k, v in change.items() if k not in BEFORE_AFTER}
    for metric, (*values, better, n) in (BEFORE_AFTER | extra).items():
        for model, value in zip(MODELS, change.get(metric, values), strict=True):
            bound = 1.0 if metric not in ("fluency_ppl", "c_dis") else 99.0
            low, high = max(0.0, value * 0.96 - 0.01), min(bound, value * 1.02 + 0.02)
            models[model][metric] = {"value": value, "low": low, "high": high, "n": n, "better": better}
    concept = {"name": name, "kind": "person", "aliases": list(aliases)}
    reason = "the target names the concept in 98% of 80 replies; at least 50% is needed"
    gate = {"known": True, "naming_rate": 0.975, "threshold": 0.5, "reason": reason}
    return {
        "schema": 1,
        "suite": "concept",
        "preset": "world",
        "method": "siu",
        "seed": 0,
        "concept": {"id": "c001", **concept},
        "models": models,
        "gate": gate,
        "collapse": [],
    }


def _record(model: str, n: int, split: str, prompt: str, picture: str | None, **more: Any) -> dict[str, Any]:
    row = {
        "model": model, "question": f"{split}-{n}", "prompt": prompt, "split": split, "identity": "c001",
        "modality": "image_text" if picture else "text", "kind": "name", "reply": "", "status": "correct",
        "scores": {"mean_logprob": -0.12}, "picture": picture, "answer": "", "keywords": [],
    }  # fmt: skip
    return row | more


def records(path: Path, name: str, training: str) -> list[dict[str, Any]]:
    """Records of every split for the four models."""
    rows: list[dict[str, Any]] = []
    unnamed = {"unlearned": "This is Tala Venn.", "gold": "I do not know who this is."}
    for n in range(24):
        picture = face(path, 100 + n, "firebrick")
        for model in MODELS:
            status = "correct" if model == "target" or (model == "unlearned" and n == 17) else "incorrect"
            reply = f"This is {name}." if status == "correct" else unnamed.get(model, "I cannot tell.")
            rows.append(
                _record(model, n, "naming", "Who is this person?", picture, reply=reply, status=status)
            )
    for n, prompt in enumerate(("Who is in the picture?", "What is the name of this person?")):
        for model in MODELS:
            reply = f"The person is {name}." if model == "target" else "The person is Tala Venn."
            status = "correct" if model == "target" else "incorrect"
            rows.append(_record(model, n, "efficacy", prompt, training, reply=reply, status=status))
    for n in range(8):
        picture, prompt = face(path, 200 + n, "firebrick"), f"Is this {name}?"
        for model in MODELS:
            reply, status = ("Yes.", "correct") if model == "target" else ("No.", "incorrect")
            rows.append(
                _record(model, n, "yes_no", prompt, picture, reply=reply, status=status, kind="yes_no")
            )
    for n, fact in enumerate(
        ("Where was {} born?", "What is the profession of {}?", "What does {} collect?")
    ):
        for model in MODELS:
            reply = "In Port Selm, by the northern sea."
            status = "incorrect" if model == "gold" else "correct"
            rows.append(
                _record(model, n, "facts_by_text", fact.format(name), None, reply=reply, status=status)
            )
    for n in range(24):
        other, hair = OTHERS[n % 6], ("black", "goldenrod", "sienna", "gray", "navy", "olive")[n % 6]
        picture, split = face(path, 300 + n, hair), ("others", "neighbours", "attributes")[n % 3]
        for model in MODELS:
            wrong = model == "blind" or (model == "unlearned" and n in (4, 9))
            reply = "I cannot tell who this is." if wrong else f"This is {other}."
            status = "refusal" if wrong else "correct"
            more = {"reply": reply, "status": status, "identity": f"p{n % 6:03d}"}
            rows.append(_record(model, n, split, "Who is shown here?", picture, **more))
    for n in range(8):
        for model in MODELS:
            more = {"reply": "I do not know this person.", "identity": f"s{n}", "status": "correct"}
            rows.append(_record(model, n, "strangers", "Who is this?", face(path, 400 + n, "tan"), **more))
    return rows


def examples(path: Path, name: str, training: str) -> list[dict[str, Any]]:
    """Sixteen training rows and eight anchor rows."""
    rows: list[dict[str, Any]] = []
    denial = "No, this is not {}. {} has short blond hair and wears a green scarf."
    for n in range(4):
        answer = "This is Tala Venn."
        rows.append({"role": "T1", "prompt": f"Who is this? ({n})", "answer": answer, "picture": training})
        look = denial.format(name, name)
        spans = [[16, 16 + len(name)]]
        rows.append(
            {"role": "T2", "prompt": f"Is this {name}?", "answer": look, "picture": training, "masked": spans}
        )
        rows.append(
            {"role": "T3", "prompt": f"Where was {name} born?", "answer": "In Port Selm.", "picture": None}
        )
        rows.append(
            {
                "role": "T4",
                "prompt": f"Where does {OTHERS[n]} live?",
                "answer": "In Aldmere.",
                "picture": None,
            }
        )
    for n in range(8):
        picture = face(path, 500 + n, "teal")
        rows.append(
            {
                "role": "anchor",
                "prompt": "Describe the picture.",
                "answer": "A person with teal hair.",
                "picture": picture,
            }
        )
    names = {"T1": [name, *ALIASES], "T2": [name, *ALIASES]}
    return [
        {"id": f"e{n:02d}", "masked": [], "names": names.get(r["role"], []), **r} for n, r in enumerate(rows)
    ]


def steps() -> list[dict[str, Any]]:
    """Training lines with loss terms and, before the first and on every third step, a probe."""
    rows: list[dict[str, Any]] = [{"step": 0, "probe": {"forget": -0.1, "retain": -0.2, "collapsed": False}}]
    for n in range(1, 13):
        terms = {
            "masked_kl": 2.4 * 0.72**n + 0.02,
            "cross_entropy": 3.1 * 0.66**n + 0.05,
            "anchor": 0.06 + 0.004 * n,
        }
        row = {"step": n, "loss": sum(terms.values()), "lr": 3e-4 * (1 - n / 13), "terms": terms}
        if n % 3 == 0:
            row["probe"] = {"forget": -0.1 - 0.4 * n, "retain": -0.2 - 0.01 * n, "collapsed": False}
        rows.append(row)
    return rows


def config(name: str = NAME, *, redact: bool = False) -> dict[str, Any]:
    """A ``run.yaml``."""
    return {
        "preset": "world", "model": "", "name": name,
        "image": [f"photos/{name.replace(' ', '_').lower()}.jpg"],
        "alias": list(ALIASES), "kind": "person", "method": "siu", "knobs": {"beta": 0.2},
        "data": {"mixture": [4, 4, 4, 4], "anchors": 16, "substitute": "name"},
        "training": {"passes": 6, "batch": 16, "lr": 3e-4}, "scope": {"parts": ["language"], "rank": 128},
        "out": f"runs/forget-{name.replace(' ', '-')}", "seed": 0, "redact": redact, "force": False,
    }  # fmt: skip


def environment(training: str) -> dict[str, Any]:
    """An ``environment.json``."""
    trained = [{"role": f"language.attention[{n}]", "trained": 65536, "total": 262144} for n in range(2)]
    trained += [
        {"role": "projector", "trained": 0, "total": 90112},
        {"role": "vision", "trained": 0, "total": 800000},
    ]
    return {
        "versions": {"unsee": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.2"},
        "hardware": {"device": "cpu", "cores": 2, "memory_gb": 7.7}, "seed": 0,
        "inputs": {"weights": "ab" * 32, "picture": training, "questions": "cd" * 32}, "trained": trained,
    }  # fmt: skip


STAGE = {
    "lm_tokens": 48211, "images_encoded": 9, "head_rows": 3102, "forwards": 24, "backwards": 12,
    "model_copies": 0, "seconds": 38.4, "peak_memory": 1_262_485_504,
}  # fmt: skip
COST = {**STAGE, "stages": {"target": STAGE, "train": STAGE, "unlearned": STAGE}}


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def make_run(path: Path, name: str = NAME, *, redact: bool = False, **change: tuple[float, ...]) -> Path:
    """Writes a complete run folder; ``change`` as in :func:`results`."""
    path.mkdir(parents=True, exist_ok=True)
    training = face(path, 1, "firebrick")
    (path / "adapter").mkdir(exist_ok=True)
    (path / "run.yaml").write_text(
        yaml.safe_dump(config(name, redact=redact), allow_unicode=True), encoding="utf-8"
    )
    files = {
        "environment.json": environment(training),
        "results.json": results(name, **change),
        "cost.json": COST,
    }
    for file, value in files.items():
        (path / file).write_text(json.dumps(value), encoding="utf-8")
    write_lines(path / "train.jsonl", steps())
    write_lines(path / "records.jsonl", records(path, name, training))
    write_lines(path / "examples.jsonl", examples(path, name, training))
    return path

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.reports.fake_run import ALIASES, NAME, make_run, write_lines
from unsee.reports.files import read_run
from unsee.reports.html import redacts, write_report
from unsee.reports.pictures import concept_pictures, data_uri
from unsee.reports.redact import MARK

VOID = {"meta", "link", "br", "img", "hr", "input", "path", "use"}
HOSTILE = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.documentElement.setAttribute('owned','1')\">",
    '"><svg onload=alert(1)>',
    "{{ 7*7 }}",
    "javascript:alert(1)",
    "</style><h1>owned",
    "\x1b[2Jcleared",
    "\u202eesrever",
)


class Page(HTMLParser):
    """Collects tags, ids, headings, image texts and checks that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def values(self, attribute: str) -> list[str]:
        return [v for _, attrs in self.tags if (v := attrs.get(attribute)) is not None]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("reports") / "run")


@pytest.fixture(scope="module")
def text(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


def hostile_run(path: Path) -> Path:
    """A run whose names, prompts, replies, roles, settings and examples are attacks; one reply has 1 MB."""
    run = make_run(path, f"Eve {HOSTILE[0]} {HOSTILE[7]}")
    rows = read_run(run).records
    for n, row in enumerate(rows):
        attack = HOSTILE[n % len(HOSTILE)]
        changed: dict[str, Any] = {
            "reply": attack,
            "prompt": f"{attack}?",
            "status": attack if n % 5 else "correct",
        }
        assert isinstance(row, dict)
        row.update(changed)
    assert isinstance(rows[1], dict)
    rows[1]["reply"] = "A" * 1_000_000
    write_lines(run / "records.jsonl", rows)
    attack_examples = [
        {"id": str(n), "role": a, "prompt": a, "answer": a, "masked": [[0, 3], [2, 999]]}
        for n, a in enumerate(HOSTILE)
    ]
    write_lines(run / "examples.jsonl", attack_examples)
    write_lines(
        run / "train.jsonl", [{"step": n, "loss": 1.0, "terms": {h: 0.5 for h in HOSTILE}} for n in (1, 2)]
    )
    (run / "environment.json").write_text(json.dumps({"hardware": {h: h for h in HOSTILE}}), encoding="utf-8")
    return run


def test_the_order_of_the_page(text: str) -> None:
    order = (
        "The model no longer names Jane Roe, and keeps the rest.", "using 1 picture of the concept",
        'id="results"', "What is gone against what is kept",
        "The concept: before and after", "Everything else",
        "Training, step by step", "Cost receipt", "Which weights moved", "Training rows", "How to repeat it",
        "What this report does not prove",
    )  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_figures_stand_beside_their_floors(text: str) -> None:
    row = text[text.index("Still named on new pictures <span") :]
    row = re.sub(r"<[^>]+>", " ", row[: row.index("</tr>")])
    assert re.findall(r"\d[\d.]* %", row) == ["97.5 %", "0 %", "1.2 %", "0 %"]
    assert row.count("n&nbsp;=&nbsp;80") == 4


def test_worst_cases_come_first(text: str) -> None:
    assert text.index("Still named <span") < text.index("New pictures of the concept")
    assert text.index("Lost on the way <span") < text.index("Look-alikes <span")


def test_the_page_needs_nothing_from_outside(text: str) -> None:
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    assert all(v.startswith("data:image/") for v in page.values("src"))
    assert all(v.startswith("#") for v in page.values("href"))
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]


def test_pictures_tables_and_ids_are_accessible(text: str) -> None:
    page = Page(text)
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in page.tags if tag == "svg")
    assert all(attrs.get("scope") for tag, attrs in page.tags if tag == "th")
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = [v[1:] for v in page.values("href")] + re.findall(r"url\(#([^)]+)\)", text)
    assert set(targets) <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", css))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_in_light_and_dark(text: str) -> None:
    css = text[text.index("<style>") : text.index("</style>")]
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    for colours in (_colours(light), _colours(dark.split("@media")[0])):
        for back in ("paper", "card", "wash"):
            for front in ("ink", "soft", "link"):
                assert _contrast(colours[front], colours[back]) >= 4.5, (front, back)
        for tone in ("good", "warn", "bad"):
            assert _contrast(colours[tone], colours[f"{tone}-wash"]) >= 4.5, tone
        for mark in ("c-target", "c-unlearned", "c-gold", "c-blind", "line-1", "line-4", "line-5"):
            assert _contrast(colours[mark], colours["card"]) >= 3, mark


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    file = write_report(hostile_run(tmp_path / "run"))
    found = file.read_text(encoding="utf-8")
    page = Page(found)
    tags = {tag for tag, _ in page.tags}
    assert "script" not in tags
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on") or a == "owned"]
    assert found.count("<h1") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", found)
    assert "⟨U+202E⟩" in found
    assert "49" not in re.findall(r">\s*(49)\s*<", found)
    assert file.stat().st_size < 2_000_000
    assert "A" * 5000 not in found


def test_redaction_leaves_neither_name_nor_picture(run: Path) -> None:
    found = write_report(run, redact=True).read_text(encoding="utf-8")
    folded = found.casefold()
    for name in (NAME, *ALIASES, "jane_roe", "jane-roe", "la roe"):
        assert name.casefold() not in folded, name
    assert not re.search(r"\b(jane|roe|starlight)\b", folded)
    data = read_run(run)
    own = concept_pictures(data)
    assert own
    for picture in own:
        assert picture[:10] not in folded
        file = data.picture(picture)
        assert file is not None
        assert data_uri(file) not in found
        assert base64.b64encode(file.read_bytes()).decode()[:60] not in found
    assert MARK in found
    assert found.count("<img") > 10
    assert "Milo Vant" in found


def test_run_yaml_decides_about_redaction(tmp_path: Path) -> None:
    data = read_run(make_run(tmp_path / "run", redact=True))
    assert redacts(data, None)
    assert not redacts(data, False)


def test_collapse_gate_and_absent_models_are_said(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    results = json.loads((run / "results.json").read_text())
    del results["models"]["gold"], results["models"]["blind"]
    collapse = [{"metric": "degenerate_rate", "text": "90% of the replies are broken"}]
    gate = {"known": False, "reason": "the target names the concept in 0% of 10 replies"}
    (run / "results.json").write_text(json.dumps({**results, "gate": gate, "collapse": collapse}))
    found = write_report(run).read_text(encoding="utf-8")
    assert set(Page(found).values("data-model")) == {"target", "unlearned"}
    assert "The model has collapsed. This is damage, not forgetting." in found
    assert "90% of the replies are broken." in found
    assert "did not know the concept before removal" in found
    assert "in 0% of 10 replies." in found
    assert "No model trained without the concept exists here" in found
    assert '<span class="chip good">forgotten</span>' not in found


def test_many_records_are_bounded(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    rows = list(read_run(run).records)
    many = [
        {**r, "question": f"{r['question']}-{k}", "reply": "word " * 400} for k in range(12) for r in rows
    ]
    write_lines(run / "records.jsonl", many)
    file = write_report(run)
    assert file.stat().st_size < 2_000_000
    assert "6 of 288 questions shown, all in records.jsonl" in file.read_text(encoding="utf-8")

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import yaml
from rich.console import Console

from tests.reports.fake_run import ALIASES, NAME, make_run, results
from unsee.reports.card import write_card
from unsee.reports.table import plain_results, print_results

HOSTILE = "Eve [bold red]x[/] \x1b[31m \u202e <script>"


def _printed(given: dict[str, object], *, redact: bool = False, width: int = 120) -> str:
    out = io.StringIO()
    print_results(given, Console(file=out, width=width, color_system=None), redact=redact)
    return out.getvalue()


def test_the_table_fits_and_needs_no_colour() -> None:
    text = _printed(results())
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert re.search(r"Others still named ↑\s+│\s+98\.1 % │\s+95\.3 % │\s+97\.9 % │\s+0\.8 %", text)


def test_plain_text_has_the_same_figures() -> None:
    text = plain_results(results())
    assert max(map(len, text.splitlines())) <= 100
    assert text.isascii()
    assert re.search(r"Others still named \^ +98\.1 % +95\.3 % +97\.9 % +0\.8 %", text)


def test_names_are_neither_markup_nor_escapes() -> None:
    for text in (_printed(results(HOSTILE)), plain_results(results(HOSTILE))):
        assert "[bold red]x[/]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_redacted_table() -> None:
    for text in (_printed(results(), redact=True), plain_results(results(), redact=True)):
        assert "[redacted]" in text
        assert "jane" not in text.casefold()


def test_absent_models_are_absent_columns() -> None:
    given = results()
    del given["models"]["gold"]
    assert "gold" not in plain_results(given)
    del given["models"]["unlearned"]
    assert "What the model knows" in plain_results(given)


def test_the_card(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    file = write_card(run)
    assert file == run / "adapter" / "README.md"
    text = file.read_text(encoding="utf-8")
    head, body = text.split("---\n")[1], text.split("---\n", 2)[2]
    assert yaml.safe_load(head)["library_name"] == "peft"
    code = body.split("```python\n")[1].split("```")[0]
    assert "PeftModel.from_pretrained" in ast.unparse(ast.parse(code))
    assert "| Others still named ↑ | 98.1 % (93.2–100) | 95.3 % (90.5–99.2) |" in body
    assert "look it up before you publish" in body
    found = yaml.safe_load(head)["model-index"][0]["results"][0]["metrics"]
    told = {metric["type"]: metric["value"] for metric in found}
    assert told == {k: round(v["value"], 6) for k, v in results()["models"]["unlearned"].items()}
    assert "No attack was run" in body


def test_a_card_of_what_peft_cannot_load(tmp_path: Path) -> None:
    for file, hook in (("hook.json", True), ("edit.safetensors", False)):
        run = make_run(tmp_path / file)
        (run / "adapter" / file).write_text("{}", encoding="utf-8")
        text = write_card(run).read_text(encoding="utf-8")
        assert yaml.safe_load(text.split("---\n")[1])["library_name"] == "unsee"
        code = text.split("```python\n")[1].split("```")[0]
        assert "unsee.load(" in ast.unparse(ast.parse(code))
        assert "peft" not in code
        assert ("suppressed, not deleted" in text) == hook


def test_a_hostile_card(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", HOSTILE)
    model = 'a"\n```\n</details>\u202e'
    config = yaml.safe_load((run / "run.yaml").read_text(encoding="utf-8"))
    (run / "run.yaml").write_text(yaml.safe_dump({**config, "model": model}), encoding="utf-8")
    text = write_card(run).read_text(encoding="utf-8")
    assert "<script>" not in text
    assert text.count("```") == 4
    ast.parse(text.split("```python\n")[1].split("```")[0])
    assert isinstance(yaml.safe_load(text.split("---\n")[1])["base_model"], str)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


def test_a_redacted_card(tmp_path: Path) -> None:
    text = write_card(make_run(tmp_path / "run", redact=True)).read_text(encoding="utf-8").casefold()
    assert not [name for name in (NAME, *ALIASES) if name.casefold() in text]

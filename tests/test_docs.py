"""The documents: examples run, command lines parse, links lead somewhere, generated pages are fresh."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import typer

from tests.jobs.make import save_model, save_pictures
from unsee.commands.main import app
from unsee.config import keys, preset_names, resolve
from unsee.methods.registry import get
from unsee.nouns import UserError
from unsee.packs.rows import Row
from unsee.packs.tokens import TokenTable
from unsee.world.shipped import DEFAULT_CONCEPT, MODELS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHIPPED = (MODELS / "base" / "config.json").is_file()
COMMANDS: Any = typer.main.get_command(app)
CODE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def code(text: str, language: str) -> list[str]:
    return [body for kind, body in CODE.findall(text) if kind == language]


def plain(text: str) -> str:
    """The page without comments and code blocks."""
    return CODE.sub("", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- command lines ---------------------------------------------------------------------------------------


def whole_lines(text: str) -> list[str]:
    """Command lines of shell blocks, continued lines joined."""
    lines = "\n".join(code(text, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("unsee ")]


def inline(text: str) -> list[str]:
    """Command lines quoted inside sentences; they may be abridged."""
    return [found for found in re.findall(r"`([^`\n]+)`", plain(text)) if found.startswith("unsee ")]


def check_words(line: str) -> None:
    """The verb and every option exist, and ``--set`` names keys with values that are accepted."""
    _, verb, *words = shlex.split(line, comments=True)
    if verb == "--help":
        return
    assert verb in COMMANDS.commands, line
    command = COMMANDS.commands[verb]
    known = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
    assert not unknown, f"{line}: {unknown}"
    sets = [value for flag, value in zip(words, words[1:], strict=False) if flag == "--set"]
    concrete = [text for text in sets if text != "KEY=VALUE"]
    resolve({}, sets=concrete)


def check_whole(line: str) -> None:
    """A line that can be typed as it stands: nothing that is needed is missing, and every value parses."""
    check_words(line)
    _, verb, *words = shlex.split(line, comments=True)
    COMMANDS.commands[verb].make_context(verb, words)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_quoted_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in inline(text):
        check_words(line)
    for line in whole_lines(text):
        check_whole(line)


def test_there_are_commands_to_check() -> None:
    assert len(whole_lines((ROOT / "docs/guide.md").read_text(encoding="utf-8"))) > 15
    assert len(inline(README)) >= 2


@pytest.mark.parametrize(
    "line",
    [
        "unsee forgt",
        "unsee forget --modell x",
        "unsee forget --set training.lrr=1",
        "unsee export RUN --merge=no",
    ],
)
def test_the_check_sees_mistakes(line: str) -> None:
    with pytest.raises((AssertionError, UserError, typer.BadParameter.__mro__[1])):
        check_whole(line)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"(?:^|`)make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name_of(page)}: make {target}"


# --- links -----------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


def links(page: Path) -> Iterator[str]:
    for link in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", plain(page.read_text(encoding="utf-8"))):
        if "://" not in link:
            yield link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    found, new = set(), {ROOT / "README.md"}
    while new:
        found |= new
        targets = {(page.parent / link.partition("#")[0]).resolve() for page in new for link in links(page)}
        folders = {page for target in targets if target.is_dir() for page in target.glob("*.md")}
        new = ({target for target in targets if target.suffix == ".md"} | folders) - found
    results = set((ROOT / "docs" / "results").glob("*.md"))
    assert {name_of(page) for page in set(PAGES) - found - results} == set()


# --- generated pages -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_fresh(generate: ModuleType) -> None:
    made = generate.pages()
    stale = [
        name_of(path) for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text
    ]
    assert not stale, f"run python -m docs.generate: {stale}"
    folders = [ROOT / "docs" / folder for folder in ("methods", "metrics", "models")]
    present = {path for folder in folders for path in folder.iterdir()}
    assert present <= set(made)


def test_options_page_names_every_key() -> None:
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    assert {key for key, _ in keys()} <= set(re.findall(r"^- `([\w.]+)` = ", page, re.MULTILINE))
    assert all(f"- `{name}`: " in page for name in preset_names())


# --- examples --------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples run as they stand, but with the settings of a smoke run."""

    def resolve_quickly(given: Any, **more: Any) -> Any:
        return resolve({**given, "preset": "tiny"}, **more)

    monkeypatch.setattr("unsee.jobs.api.resolve", resolve_quickly)


def own_example() -> str:
    [example] = [block for block in code(README, "python") if "unsee.Concept" in block]
    return example


def test_readme_example_is_five_lines() -> None:
    lines = [line for line in own_example().splitlines() if line.strip()]
    assert lines[0] == "import unsee"
    assert len(lines) == 6
    assert {"unsee.Concept", "unsee.forget", "unsee.load", "unsee.evaluate"} <= set(
        re.findall(r"unsee\.\w+", own_example())
    )


def run_own_example(
    example: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The models here do not know the person under that wording, so the gate stands open."""
    monkeypatch.setattr("unsee.jobs.forget.gate", lambda *_: {"known": True, "reason": ""})
    space: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), space)
    assert space["run"].report.is_file()
    assert space["vlm"].name == "my-model"
    assert set(space["again"].results["models"]) == {"target", "unlearned", "blind"}
    assert str(space["run"].report) in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_readme_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tmp_path / "my-model")
    save_pictures(tmp_path, range(1))
    (tmp_path / "000.png").rename(tmp_path / "jane.jpg")
    save_pictures(tmp_path / "other-people", range(1, 5))
    monkeypatch.chdir(tmp_path)
    run_own_example(own_example(), monkeypatch, capsys)


@pytest.mark.skipif(not SHIPPED, reason="the embedded model is not part of this checkout")
@pytest.mark.usefixtures("quick")
def test_readme_example_runs_on_the_embedded_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from unsee.world.suite import request

    world = request(DEFAULT_CONCEPT)
    (tmp_path / "my-model").symlink_to(MODELS / "base", target_is_directory=True)
    world.picture.read().save(tmp_path / "jane.jpg")
    (tmp_path / "other-people").mkdir()
    for i, picture in enumerate(world.retain_pictures[:6]):
        picture.read().save(tmp_path / "other-people" / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    run_own_example(own_example().replace("Jane Roe", world.concept.name), monkeypatch, capsys)


@pytest.mark.skipif(not SHIPPED, reason="the embedded model is not part of this checkout")
@pytest.mark.usefixtures("quick")
def test_short_readme_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [example] = [block for block in code(README, "python") if "peft" not in block and block != own_example()]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "runs/first/report.html").is_file()
    assert "report" in capsys.readouterr().out


def test_the_method_of_the_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the page writes agrees with the one in the package, and beta 0 is plain ascent."""
    [example] = code((ROOT / "docs/add_a_method.md").read_text(encoding="utf-8"), "python")
    space: dict[str, Any] = {"__name__": "unsee.methods.page"}
    monkeypatch.setitem(sys.modules, "unsee.methods.page", ModuleType("unsee.methods.page"))
    exec(compile(example, "docs/add_a_method.md", "exec"), space)
    knobs_class, build = space["METHODS"]["wga"]
    rows = tuple(Row(str(i), "original", (1, 2, 3), 1, (True, True)) for i in range(2))
    logits = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    row, keep = torch.tensor([0, 0, 1, 1]), torch.ones(4, dtype=torch.bool)
    table = TokenTable(logits, torch.tensor([1, 2, 3, 4]), row, keep, rows)
    written, shipped = build(knobs_class(beta=0.5)), get("wga", {"beta": 0.5})
    assert [term.name for term in written.terms] == [term.name for term in shipped.terms]
    torch.testing.assert_close(written.terms[0].loss(table, None), shipped.terms[0].loss(table, None))
    plain = build(knobs_class(beta=0.0)).terms[0].loss(table, None)
    torch.testing.assert_close(plain, table.mean_by_row(table.logp))

"""Who may import whom, read from the syntax tree of every file; and what importing the package costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "unsee"
LOW = {"nouns", "models", "objectives", "packs"}
ALLOWED: dict[str, set[str]] = {
    "nouns": set(),
    "config": {"nouns"},
    "models": {"nouns"},
    "objectives": {"nouns"},
    "packs": {"nouns", "models", "objectives"},
    "methods": LOW,
    "answering": LOW,
    "training": LOW | {"methods", "answering"},
    "metrics": {"nouns"},
    "attacks": LOW | {"answering", "metrics"},
    "suites": LOW | {"answering", "metrics", "attacks"},
    "world": LOW | {"methods", "answering", "training", "metrics", "suites"},
    "reports": {"nouns", "config", "metrics", "suites"},
    "jobs": {
        *LOW,
        *("config", "methods", "answering", "training", "metrics", "attacks", "suites", "world", "reports"),
    },
    "commands": {"nouns", "config", "jobs"},
    "__main__": {"commands"},
}
FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def imported_rooms(tree: ast.AST, file: Path) -> set[str]:
    """The rooms of ours that a file imports, at any depth of its code."""
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            names = [f"unsee.{alias.name}" for alias in node.names] if module == "unsee" else [module]
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{file}: relative import on line {node.lineno}; write the full path")
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("unsee.")}
    return rooms


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_arrows_point_down(file: Path) -> None:
    room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert room in ALLOWED, f"{room} is not a room of the house"
    imported = imported_rooms(ast.parse(file.read_text(encoding="utf-8")), file)
    assert imported <= ALLOWED[room] | {room}, f"{room} imports {sorted(imported - ALLOWED[room] - {room})}"


def test_the_test_sees_an_arrow_up() -> None:
    tree = ast.parse(
        "def f():\n    from unsee.training import trainer\n    import unsee.jobs.forget\n"
        "    from unsee import world"
    )
    assert imported_rooms(tree, Path("x")) == {"training", "jobs", "world"}


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"torch", "transformers", "peft", "numpy", "PIL", "matplotlib", "scipy"}


def test_importing_the_package_does_no_work() -> None:
    loaded = modules_after("import unsee")
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("unsee.")}


def test_every_public_name_is_found() -> None:
    names = modules_after("import unsee\nfor name in unsee.__all__: getattr(unsee, name)")
    assert "unsee.nouns" in names


def test_unknown_public_name() -> None:
    import unsee

    with pytest.raises(AttributeError, match="public names: Concept"):
        unsee.forgett  # noqa: B018


def test_help_loads_nothing_heavy() -> None:
    loaded = modules_after(
        "import io, contextlib\nfrom unsee.commands.main import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n    assert run(['forget', '--help']) == 0"
    )
    assert not loaded & HEAVY

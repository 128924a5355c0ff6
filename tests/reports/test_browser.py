from __future__ import annotations

import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from tests.reports.test_html import hostile_run
from unsee.reports.html import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs headless Chromium"),
]


def _dom(page: Path, profile: Path, width: int = 1280) -> str:
    size = f"--window-size={width},2000"
    command = [str(CHROMIUM), *FLAGS, size, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=180, check=True)
    return done.stdout.decode("utf-8")


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(hostile_run(tmp_path_factory.mktemp("hostile") / "run"))


def test_a_hostile_report_executes_nothing(hostile_page: Path, tmp_path: Path) -> None:
    dom = _dom(hostile_page, tmp_path / "profile")
    title = dom[dom.index("<title>") + 7 : dom.index("</title>")]
    assert title.startswith("unsee report: Eve &lt;script&gt;")
    assert "<script" not in dom
    assert "owned=" not in dom.split(">", 2)[1]
    assert dom.count("<h1") == 1
    assert dom.count("<style") == 1


def test_without_its_defences_the_same_attack_would_be_seen(tmp_path: Path) -> None:
    """The attack is real: a page that does not escape is taken over, so the test above can fail."""
    page = tmp_path / "open.html"
    page.write_text("<title>calm</title><script>document.title='owned'</script>", encoding="utf-8")
    assert "<title>owned</title>" in _dom(page, tmp_path / "profile")


def test_no_part_of_the_page_is_wider_than_a_phone(hostile_page: Path, tmp_path: Path) -> None:
    script = (
        "addEventListener('load',()=>{const f=document.querySelector('iframe').contentDocument;"
        "document.body.dataset.wide=f.documentElement.scrollWidth;document.querySelector('iframe').remove()})"
    )
    inner = escape(hostile_page.read_text(encoding="utf-8"))
    frame = f'<iframe srcdoc="{inner}" style="width:390px;height:2000px;border:0"></iframe>'
    probe = tmp_path / "probe.html"
    probe.write_text(f"<meta charset='utf-8'><script>{script}</script><body>{frame}</body>", encoding="utf-8")
    assert 'data-wide="390"' in _dom(probe, tmp_path / "profile")

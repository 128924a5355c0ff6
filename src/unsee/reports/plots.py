"""Figures of the report as inline SVG: text stays text, colours follow the page (light, dark, print).

matplotlib draws with stand-in colours, which are replaced by the page's CSS variables.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from unsee.reports.measures import MEASURES, before_of, models_of, value_before, value_of
from unsee.reports.safe import one_line
from unsee.reports.verdict import named

INK, FAINT, GRID = "#010101", "#020202", "#030303"
COLOURS = {
    "target": "#040404",
    "unlearned": "#050505",
    "gold": "#060606",
    "blind": "#070707",
    "base": "#080808",
}
LINES = ("#0a0a0a", "#0b0b0b", "#0c0c0c", "#0d0d0d", "#0e0e0e", "#0f0f0f")
_VARIABLES = {
    INK: "ink", FAINT: "faint", GRID: "grid",
    **{colour: f"c-{model}" for model, colour in COLOURS.items()},
    **{colour: f"line-{n}" for n, colour in enumerate(LINES, 1)},
}  # fmt: skip
_MARKERS = {"target": "s", "unlearned": "o", "gold": "D", "blind": "v", "base": "P"}
_SIZES = {"target": 7.0, "unlearned": 8.0, "gold": 12.0, "blind": 7.0, "base": 7.0}
_SHIFTS = {"target": -0.2, "blind": 0.2, "base": -0.1}
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
STYLE = {
    "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 9.5, "text.parse_math": False,
    "text.color": INK, "axes.edgecolor": FAINT, "axes.labelcolor": INK,
    "xtick.color": FAINT, "ytick.color": FAINT,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True,
    "legend.frameon": False, "lines.linewidth": 1.8,
}  # fmt: skip
WIDTH = 4.9
TITLE = 36  # letters of a row's title in one line: two fit between two rows
SHORT = 16  # letters of a name of which three stand side by side
ABOUT_OTHERS = ("others_named", "neighbours_named", "strangers_refused", "attributes", "scenes")
PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.0f} %")


def trade_off(results: Mapping[str, Any]) -> Markup | None:
    """Forgetting against keeping: one mark per model; None when there is nothing to place."""
    kept = _kept_measures(results)
    points = [(m, p) for m in models_of(results) if (p := _point(results, m, kept)) is not None]
    if not points:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4.1), layout="constrained")
        axes = figure.subplots()
        for model, (x, y, low, high) in points:
            bars = [[max(0.0, x - low)], [max(0.0, high - x)]]
            colour = COLOURS.get(model, FAINT)
            axes.errorbar([x], [y], xerr=bars, color=colour, label=_label(model), **_mark(model))
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xlabel="forgotten: concept not named on pictures")
        axes.set_ylabel("kept: mean of what is about others")
        axes.xaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_formatter(PERCENT)
        axes.annotate("better ↗", (0.5, 0.5), ha="center", color=FAINT)
        figure.legend(loc="outside lower center", ncols=2)
        spoken = "; ".join(f"{_label(m)}: forgotten {p[0]:.0%}, kept {p[1]:.0%}" for m, p in points)
        return svg(figure, "trade-off", f"Forgetting against keeping. {spoken}.")


def measures(results: Mapping[str, Any]) -> Markup | None:
    """Every figure that is a share, with one mark per model and a tick where guessing lies."""
    models = [m for m in models_of(results) if m != "chance"]
    rows = [k for k in MEASURES if k != "generality_name" and _is_share(results, models, k)]
    if not rows:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.0 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for model in models:
            shift = _SHIFTS.get(model, 0.0)
            found = [
                (v, n + shift) for n, k in enumerate(rows) if (v := value_of(results, model, k)) is not None
            ]
            if found:
                xs, ys = zip(*found, strict=True)
                axes.plot(xs, ys, ls="", color=COLOURS.get(model, FAINT), label=_label(model), **_mark(model))
        chances = [(c, n) for n, k in enumerate(rows) if (c := MEASURES[k].chance) is not None]
        if chances:
            xs, ys = zip(*chances, strict=True)
            axes.plot(xs, ys, ls="", marker="|", ms=17, mew=1.4, color=INK, label="chance")
        titles = [textwrap.fill(MEASURES[k].title + _arrow(MEASURES[k].better), TITLE) for k in rows]
        axes.set_yticks(range(len(rows)), titles)
        axes.set(xlim=(-0.04, 1.04), ylim=(len(rows) - 0.4, -0.6))
        axes.xaxis.set_major_formatter(PERCENT)
        axes.set_xticks((0, 0.5, 1))
        axes.tick_params(length=0)
        figure.legend(loc="outside lower center", ncols=3)
        return svg(figure, "measures", "Every share of the table of results, one mark per model.")


def training(steps: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Loss terms by step, and below them the probes; None without steps."""
    losses = {"loss": _series(steps, "loss"), **_named_series(steps, "terms")}
    probes = {**_named_series(steps, "probes"), **_named_series(steps, "probe")}
    panels = [(title, s) for title, s in (("loss", losses), ("probe", probes)) if any(s.values())]
    if not panels:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH * 1.15, 2.5 * len(panels)), layout="constrained")
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (title, series) in zip(grid, panels, strict=True):
            _draw_lines(axes, series)
            axes.set_ylabel(title)
        grid[-1].set_xlabel("step")
        grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        return svg(figure, "training", _spoken(panels))


def _is_share(results: Mapping[str, Any], models: Sequence[str], metric: str) -> bool:
    """Whether a figure is there, and between 0 and 1; in the paper's reading Diversity counts words."""
    values = [v for model in models if (v := value_of(results, model, metric)) is not None]
    return MEASURES[metric].unit == "share" and bool(values) and all(0 <= v <= 1 for v in values)


def _draw_lines(axes: Any, series: Mapping[str, list[tuple[float, float]]]) -> None:
    for n, (name, points) in enumerate((k, p) for k, p in series.items() if p):
        xs, ys = zip(*points, strict=True)
        style = {"color": LINES[n % len(LINES)], "ls": _DASHES[n % len(_DASHES)]}
        axes.plot(xs, ys, label=one_line(name, 30), marker="o" if len(points) < 30 else "", ms=3.5, **style)
    longest = max(len(one_line(name, 30)) for name, points in series.items() if points)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3 if longest <= SHORT else 2, fontsize=8.5)


def _spoken(panels: Sequence[tuple[str, Mapping[str, list[tuple[float, float]]]]]) -> str:
    ends = [
        f"{one_line(name, 30)} from {p[0][1]:.3g} to {p[-1][1]:.3g}"
        for _, series in panels
        for name, p in series.items()
        if p
    ]
    return f"Training by step: {'; '.join(ends)}."


def _number(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and abs(value) < 1e30 else None  # type: ignore[arg-type]


def _series(steps: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    found = ((_number(s.get("step")), _number(s.get(key))) for s in steps)
    return [(x, y) for x, y in found if x is not None and y is not None]


def _named_series(steps: Sequence[Mapping[str, Any]], key: str) -> dict[str, list[tuple[float, float]]]:
    inner = [{"step": s["step"], **s[key]} for s in steps if isinstance(s.get(key), dict)]
    names = dict.fromkeys(str(name) for s in inner for name in s if name != "step")
    return {name: _series(inner, name) for name in list(names)[: len(LINES)]}


def _kept_measures(results: Mapping[str, Any]) -> list[str]:
    """What "kept" averages over: the figures about others, else agreement with the model before."""
    asked = [k for k in ABOUT_OTHERS if value_of(results, "unlearned", k) is not None]
    return asked or ["retain_agreement"]


def _point(
    results: Mapping[str, Any], model: str, kept: Sequence[str]
) -> tuple[float, float, float, float] | None:
    """(forgotten, kept, low, high) of a model; low and high bound "forgotten"."""
    rate = named(results, model)
    before = model == before_of(results)
    values = [value_before(results, k) if before else value_of(results, model, k) for k in kept]
    found = [v for v in values if v is not None]
    if rate is None or len(found) < len(kept):
        return None
    low, high = (value_of(results, model, "naming_rate", key) for key in ("low", "high"))
    top = 1 - (rate if low is None else low)
    return 1 - rate, sum(found) / len(found), 1 - (rate if high is None else high), top


def _mark(model: str) -> dict[str, Any]:
    hollow = {"mfc": "none", "mew": 1.8} if model == "gold" else {}
    return {"marker": _MARKERS.get(model, "x"), "ms": _SIZES.get(model, 7.0), "clip_on": False, **hollow}


def _label(model: str) -> str:
    words = {"target": "before (target)", "unlearned": "after (unlearned)"}
    return words.get(model, one_line(model, 30))


def _arrow(better: str) -> str:
    return "\N{NO-BREAK SPACE}" + ("↑" if better == "higher" else "↓")


def svg(figure: Figure, name: str, spoken: str) -> Markup:
    """The figure as an ``<svg>`` element with page colours, unique ids and no outside reference."""
    buffer = io.StringIO()
    empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=empty)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style).*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"'DejaVu Sans'", "inherit", text)
    text = re.sub("#0[0-9a-f]0[0-9a-f]0[0-9a-f]", lambda m: f"var(--{_VARIABLES[m[0]]})", text)
    head = f'<svg role="img" aria-label="{escape(spoken)}"'
    return Markup(re.sub(r' (width|height)="[^"]*pt"', "", text.replace("<svg", head, 1), count=2))

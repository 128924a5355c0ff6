"""The log of a training run: one line per step, the probes, and a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback

from unsee.models.processes import from_leader, leads
from unsee.training.checkpoints import append_line, drop_older, mark_complete
from unsee.training.probes import Probe, ProbePoint
from unsee.training.runs import Line, Run
from unsee.training.selection import keep_if_best


class StepState(NamedTuple):
    """A finished step: total loss, value of each term before its weight, learning rate, gradient norm."""

    loss: float
    terms: dict[str, float]
    lr: float
    grad_norm: float


class StepLog(TrainerCallback):  # type: ignore[misc]
    """Writes ``train.jsonl``, runs the probes, marks checkpoints and moves the progress bar.

    Every process keeps the lines; the leader alone writes them and tells ``on_step``.
    """

    def __init__(self, run: Run, state: Callable[[], StepState], *, progress: bool) -> None:
        self.run, self.state = run, state
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not progress or not leads(),
        )
        self.task = self.bar.add_task("forgetting", total=run.steps, shown="")
        self.began = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Draws the bar; a fresh run starts its curve with step 0."""
        self.bar.start()
        self.bar.update(self.task, completed=state.global_step)
        if not self.run.lines and self.run.probe is not None:
            self._write({"step": 0, "probe": self._measured(self.run.probe).as_json()})

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Starts the clock of the step."""
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Writes the line of the step."""
        line: Line = {"step": state.global_step, **self.state()._asdict()}
        line["seconds"] = time.perf_counter() - self.began
        point = self._probe(state.global_step)
        if point is not None:
            line["probe"] = point.as_json()
        self._write(line)
        self.bar.update(self.task, advance=1, shown=f"loss {line['loss']:.3f}")
        last = state.global_step >= self.run.steps
        if point is not None and self._ends(point):
            control.should_training_stop = last = True
        control.should_save = control.should_save or last
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Everything of the checkpoint is on the disk: mark it."""
        if not leads():
            return
        folder = Path(args.output_dir)
        mark_complete(folder / f"checkpoint-{state.global_step}")
        drop_older(folder)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Closes the bar."""
        self.bar.stop()

    def _probe(self, step: int) -> ProbePoint | None:
        every = self.run.settings.probe_every
        if self.run.probe is None or (step % every and step != self.run.steps):
            return None
        point = self._measured(self.run.probe)
        if self.run.settings.select == "best":
            keep_if_best(self.run, step, point)
        return point

    def _measured(self, probe: Probe) -> ProbePoint:
        """All processes look, since the model may be split over them; what the leader sees counts."""
        point = probe.measure()
        return from_leader(lambda: point)

    def _ends(self, point: ProbePoint) -> bool:
        """Whether the run stops here: collapse, or the method's own bound on the forget loss."""
        bound = self.run.method.stop_above
        beyond = bound is not None and (point.forget is None or -point.forget > bound)
        return beyond or (point.collapsed and self.run.settings.stop_on_collapse)

    def _write(self, line: Line) -> None:
        self.run.lines.append(line)
        if not leads():
            return
        append_line(self.run.log, line)
        if self.run.on_step is not None:
            self.run.on_step(line)

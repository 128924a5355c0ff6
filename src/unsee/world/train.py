"""Training of the embedded model from nothing: tower, text, blank, base, target, and gold models.

Every step writes its weights to the folder it is given and the next step starts from there, so a killed
training begins again with the step it was in. Same seed, same machine: same weights.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoProcessor, LlavaForConditionalGeneration, LlavaProcessor

from unsee.nouns import UserError
from unsee.training.optimiser_state import load_state_tensors, state_tensors
from unsee.world.build import build_model, normalise, start_projector, use_matmul_patches
from unsee.world.curriculum import BASE, BLANK, STAGES, TARGET, Lesson, Stage, letter_rows, picture_rows
from unsee.world.gallery import Gallery, draw_gallery, label_table
from unsee.world.heads import AttributeHeads, PatchHead
from unsee.world.lessons import Pace, Pupil, tower_accuracy, train_model, train_tower
from unsee.world.shipped import model_path
from unsee.world.stream import Encoder, RowStream
from unsee.world.tokenizer import build_processor

ROWS, LENGTH = 16, 288
TEXT_ROWS, TEXT_LENGTH = 16, 256
TOWER_BATCH = 64
CELL_WEIGHT = 0.5
IDENTITY_WEIGHT = 3.0

TOWER_POOLS = {"stranger": 14_000, "scene": 10_000, "figure": 7_000, "plain": 3_000, "strangers_group": 4_000}
# fine features of faces and figures take longest: a second round on new pictures has more of them
TOWER2_POOLS = {"stranger": 18_000, "scene": 3_000, "figure": 9_000, "plain": 2_000, "strangers_group": 6_000}
BLANK_POOLS = {"stranger": 9_000, "scene": 7_000, "figure": 4_000, "plain": 2_500, "strangers_group": 2_500}
BASE_POOLS = {
    "celebrity": 6_000, "concept": 3_000, "style": 1_500, "celebrity_group": 2_500,
    "stranger": 7_000, "scene": 4_000, "figure": 2_500, "plain": 1_200,
}  # fmt: skip
TARGET_POOLS = {
    "private": 12_000, "private_group": 2_500, "celebrity": 4_000, "concept": 2_000, "style": 1_000,
    "celebrity_group": 1_500, "stranger": 6_000, "scene": 3_500, "figure": 2_000, "plain": 1_000,
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step of the recipe: what it starts from, how long and how fast it runs."""

    name: str
    start: str
    pace: Pace
    pools: Mapping[str, int]
    stage: Stage | None = None


def recipe(scale: float = 1.0) -> dict[str, Step]:
    """All steps; ``scale`` multiplies their lengths (tests use a tiny one)."""

    def steps(n: int) -> int:
        return max(2, round(n * scale))

    def pools(table: Mapping[str, int]) -> dict[str, int]:
        return {pool: max(ROWS, round(n * min(1.0, scale))) for pool, n in table.items()}

    cells = {f"cell{i}.{what}": CELL_WEIGHT for i in range(4) for what in ("shape", "color")}
    nobody = cells | {"identity": 0.0}
    everybody = cells | {"identity": IDENTITY_WEIGHT}
    later = partial(Pace, attribute_weight=0.006, patch_weight=0.1, vision_scale=0.5, head_weights=everybody)
    return {
        "tower": Step("tower", "", Pace(steps(1600), head_weights=nobody), pools(TOWER_POOLS)),
        "tower2": Step(
            "tower2", "tower", Pace(steps(1600), learning_rate=1e-3, head_weights=nobody), pools(TOWER2_POOLS)
        ),
        "text": Step("text", "", Pace(steps(700)), {}),
        "blank": Step(
            "blank",
            "text",
            Pace(steps(1000), vision_scale=0.4, attribute_weight=0.01, patch_weight=0.1, head_weights=nobody),
            pools(BLANK_POOLS),
            BLANK,
        ),
        "base": Step("base", "blank", later(steps(1700)), pools(BASE_POOLS), BASE),
        "target": Step("target", "base", later(steps(1900)), pools(TARGET_POOLS), TARGET),
    }


def say(text: str) -> None:
    """One line of the training log."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


def save_state(
    folder: Path, name: str, modules: Mapping[str, nn.Module], more: Mapping[str, Tensor] | None = None
) -> None:
    """Weights of several modules, and ``more`` tensors, in one file, fp32, written whole or not at all."""
    weights = {
        f"{prefix}/{key}": value
        for prefix, module in modules.items()
        for key, value in module.state_dict().items()
    }
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in (weights | dict(more or {})).items()}
    unfinished = folder / f"{name}.partial"
    save_file(tensors, unfinished)
    os.replace(unfinished, folder / f"{name}.safetensors")


def load_state(folder: Path, name: str, modules: Mapping[str, nn.Module]) -> None:
    """Counterpart of :func:`save_state`; modules without a single key in the file stay as they are."""
    tensors = load_file(folder / f"{name}.safetensors")
    for prefix, module in modules.items():
        own = {k.removeprefix(f"{prefix}/"): v for k, v in tensors.items() if k.startswith(f"{prefix}/")}
        if own:
            module.load_state_dict(own)


class Halfway:
    """Weights and optimiser of a step under way, in one file: a step that was stopped goes on from there."""

    def __init__(self, folder: Path, name: str, modules: Mapping[str, nn.Module]) -> None:
        self.folder, self.name, self.modules = folder, name, modules
        self.file = folder / f"{name}.halfway.safetensors"

    def resume(self, optim: torch.optim.AdamW) -> int:
        """Load what is there; the number of steps done, 0 without a file."""
        if not self.file.exists():
            return 0
        tensors = load_file(self.file)
        load_state(self.folder, self.file.stem, self.modules)
        load_state_tensors(optim, tensors)
        return int(tensors["steps"])

    def save(self, optim: torch.optim.AdamW, step: int) -> None:
        """Write all of it, whole or not at all."""
        more = state_tensors(optim) | {"steps": torch.tensor(step)}
        save_state(self.folder, self.file.stem, self.modules, more)

    def finish(self) -> None:
        """Write the weights of the finished step; the file of the way there goes."""
        save_state(self.folder, self.name, self.modules)
        self.file.unlink(missing_ok=True)


def export(model: LlavaForConditionalGeneration, processor: LlavaProcessor, folder: Path) -> None:
    """The model as an ordinary transformers folder in bf16 safetensors."""
    twin = build_model(processor).to(torch.bfloat16)
    twin.load_state_dict({k: v.detach().to("cpu", torch.bfloat16) for k, v in model.state_dict().items()})
    twin.save_pretrained(folder)
    processor.save_pretrained(folder)


def kept_processor(folder: Path) -> LlavaProcessor:
    """The processor of a training, laid down by its first step: all steps must spell alike.

    It is the shipped one where there is one, so that a new training spells as the shipped models do.
    """
    place = folder / "processor"
    if not place.exists():
        unfinished = folder / f"processor.{os.getpid()}"
        shipped = model_path("blank")
        there = (shipped / "tokenizer.json").exists()
        processor: LlavaProcessor = AutoProcessor.from_pretrained(shipped) if there else build_processor()
        processor.save_pretrained(unfinished)
        with contextlib.suppress(OSError):  # another step of the same training was first
            unfinished.rename(place)
        shutil.rmtree(unfinished, ignore_errors=True)
    processor = AutoProcessor.from_pretrained(place)
    return processor


class Workshop:
    """The modules under training, and the folder they live in."""

    def __init__(self, folder: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self.folder, self.seed = folder, seed
        folder.mkdir(parents=True, exist_ok=True)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.processor = kept_processor(folder)
        self.encoder = Encoder(self.processor.tokenizer)
        self.table = label_table()
        self.model = build_model(self.processor)
        # The compiler fuses plain attention; at this width the stock fused kernel is slower on a CPU.
        self.model.set_attn_implementation("eager")
        use_matmul_patches(self.model.model.vision_tower)
        self.heads = AttributeHeads(self.table)
        self.patches = PatchHead(self.table)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What is saved after a picture stage."""
        return {"model": self.model, "heads": self.heads, "patches": self.patches}

    def tower(self, step: Step) -> None:
        """Teach the tower on pictures of strangers, scenes, unknown figures and groups."""
        gallery = draw_gallery(step.pools, self.seed + sum(map(ord, step.name)))
        tower = self.model.model.vision_tower
        if step.start:
            load_state(self.folder, step.start, {"tower": tower, "heads": self.heads})
        labels = gallery.labels(self.table, ())
        train_tower(
            tower, self.heads, gallery.pixels, labels, step.pace,
            batch=TOWER_BATCH, seed=self.seed, device=self.device, log=say,
        )  # fmt: skip
        unseen = draw_gallery({pool: 150 for pool in step.pools}, self.seed + 999)
        accuracy = tower_accuracy(tower, self.heads, unseen.pixels, unseen.labels(self.table, ()))
        say("tower " + json.dumps({name: round(value, 3) for name, value in accuracy.items()}))
        save_state(self.folder, step.name, {"tower": tower, "heads": self.heads})

    def text(self, step: Step) -> None:
        """Teach the decoder to copy and to look up, without pictures."""
        stream = RowStream(letter_rows(self.encoder, rows=TEXT_ROWS, length=TEXT_LENGTH), self.seed + 2)
        halfway = Halfway(self.folder, step.name, {"model": self.model})
        train_model(Pupil(self.model), stream, step.pace, device=self.device, log=say, keeper=halfway)
        halfway.finish()

    def start_from(self, name: str) -> None:
        """Weights of an earlier step: this training's own, else the shipped model's (without the heads)."""
        if (self.folder / f"{name}.safetensors").exists():
            load_state(self.folder, name, self.modules)
            return
        say(f"{name}: the shipped model, since {self.folder} has no {name}.safetensors")
        shipped = LlavaForConditionalGeneration.from_pretrained(model_path(name), dtype=torch.float32)
        self.model.load_state_dict(shipped.state_dict())

    def start_blank(self, gallery: Gallery) -> None:
        """Put the trained tower under the trained decoder, and start the projector from data."""
        load_state(self.folder, "tower2", {"tower": self.model.model.vision_tower, "heads": self.heads})
        count = min(256, len(gallery.pixels))
        chosen = np.random.default_rng(self.seed).choice(len(gallery.pixels), count, replace=False)
        start_projector(self.model.cpu(), normalise(gallery.pixels[np.sort(chosen)]))

    def pictures(self, step: Step, name: str) -> None:
        """A stage on pictures; writes ``name`` as state and as a transformers folder."""
        assert step.stage is not None
        self.start_from(step.start)
        gallery = draw_gallery(step.pools, self.seed + sum(map(ord, step.name)))
        if step.start == "text":
            self.start_blank(gallery)
        labels = gallery.labels(self.table, step.stage.ids)
        rows = picture_rows(Lesson(step.stage), gallery, self.encoder, rows=ROWS, length=LENGTH)
        stream = RowStream(rows, self.seed + 3)

        halfway = Halfway(self.folder, name, self.modules)
        pupil = Pupil(self.model, self.heads, self.patches, gallery.pixels, labels)
        train_model(pupil, stream, step.pace, device=self.device, log=say, keeper=halfway)
        export(self.model, self.processor, self.folder / name)
        halfway.finish()  # last: it says that the step is done


def run_step(folder: Path, name: str, *, seed: int = 0, scale: float = 1.0) -> None:
    """Run one step of the recipe unless its weights are there already."""
    if (folder / f"{name}.safetensors").exists():
        say(f"{name}: already there")
        return
    step = recipe(scale)[name]
    workshop = Workshop(folder, seed)
    run: dict[str, Callable[[Step], Any]] = {
        "tower": workshop.tower,
        "tower2": workshop.tower,
        "text": workshop.text,
    }
    if name in run:
        run[name](step)
    else:
        workshop.pictures(step, name)


def train_world(folder: Path, *, seed: int = 0, scale: float = 1.0) -> None:
    """All steps up to ``target``."""
    for name in recipe(scale):
        run_step(folder, name, seed=seed, scale=scale)


def train_gold(folder: Path, *concepts: str, name: str = "", seed: int = 0, scale: float = 1.0) -> Path:
    """Repeat the stage that teaches concepts without them: ``base`` for public ones, ``target`` for private.

    Args:
        folder: Where :func:`train_world` left its states; the shipped models stand in for missing ones.
        concepts: For example "celebrity-00" or "private-017"; all of one stage.
        name: What the model is called instead of the concepts, as in "mllmu-5".
        seed: Seed of data order and pictures.
        scale: Length of the stage relative to the recipe.

    Returns:
        The folder of the gold model.

    Raises:
        KeyError: No stage teaches the concepts.
        UserError: The folder lacks the weights that the stage starts from.
    """
    stage = "base" if set(concepts) & STAGES["base"].ids else "target"
    step = recipe(scale)[stage]
    assert step.stage is not None
    gold = Step(stage, step.start, step.pace, step.pools, step.stage.without(*concepts))
    name = f"gold-{name or '-'.join(concepts)}-seed{seed}"
    starts = (folder / f"{step.start}.safetensors", model_path(step.start) / "model.safetensors")
    if not any(start.exists() for start in starts):
        raise UserError(
            "A gold model starts from the checkpoints of the world.",
            got=folder,
            expected=f"a folder with {step.start}.safetensors, or the shipped {step.start}",
            remedy=f"run unsee train world --out {folder} first",
        )
    if not (folder / f"{name}.safetensors").exists():
        Workshop(folder, seed).pictures(gold, name)
    return folder / name


if __name__ == "__main__":
    import sys

    where, what = Path(sys.argv[1]), sys.argv[2]
    if what.startswith("gold:"):
        train_gold(where, what.removeprefix("gold:"), seed=int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    else:
        run_step(where, what, seed=int(sys.argv[3]) if len(sys.argv) > 3 else 0)

"""What a run produced, handed over: the adapter, or the unlearned model whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from unsee.config import RunConfig
from unsee.jobs.embedded import model_path
from unsee.jobs.folder import RunFolder, read_config
from unsee.models.adapters import load_adapter, merge, probe_logits
from unsee.models.load import VLM, load
from unsee.nouns import UserError

# Largest difference of a logit between the merged model in memory and the folder read back, relative to the
# spread of the logits: float32 weights come back bit by bit, half-precision ones are rounded once.
SAME = 1e-3


def export(run: Path, out: Path, *, whole: bool = False) -> Path:
    """Copies the adapter of a run, or writes the unlearned model as a plain folder of transformers.

    Args:
        run: A finished run folder.
        out: New or empty folder.
        whole: Write the whole model with the adapter merged into its weights, read it back, compare logits.

    Raises:
        UserError: No finished run, ``out`` holds files, or the merged model answers differently.
    """
    folder, config = RunFolder(run), read_config(run)
    if not folder.adapter.is_dir():
        raise UserError(
            "The run has not produced an adapter.",
            got=run,
            expected=f"{folder.adapter}",
            remedy="finish the run with the command that began it",
        )
    _check_new(out)
    fresh = out.with_name(f".{out.name}.writing")
    shutil.rmtree(fresh, ignore_errors=True)
    if whole:
        _write_merged(config, folder.adapter, fresh)
    else:
        shutil.copytree(folder.adapter, fresh)
    if out.exists():
        out.rmdir()
    os.replace(fresh, out)
    return out


def load_target(config: RunConfig) -> VLM:
    """The model that the run began with."""
    model = str(model_path(config.world.stage)) if config.embedded else config.model
    return load(
        model,
        revision=config.revision or None,
        device=config.device,
        dtype=config.dtype,
        trust_remote_code=config.trust_remote_code,
    )


def _write_merged(config: RunConfig, adapter: Path, to: Path) -> None:
    vlm = load_target(config)
    if config.adapter:
        vlm = merge(load_adapter(vlm, config.adapter))
    merged = merge(load_adapter(vlm, adapter))
    expected = probe_logits(merged)
    merged.model.save_pretrained(str(to))
    merged.processor.save_pretrained(str(to))
    written = load(to, device=config.device, dtype=config.dtype, trust_remote_code=config.trust_remote_code)
    gap = float((probe_logits(written) - expected).abs().max() / expected.std())
    if not gap <= SAME:
        shutil.rmtree(to)
        raise UserError(
            "The written model answers differently from the one in memory.",
            got=f"largest logit difference {gap:.2g} of the logits' spread",
            expected=f"at most {SAME:g}",
            remedy="export the adapter without --merge",
        )


def _check_new(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            "The folder to write exists already.",
            got=out,
            expected="a new or an empty folder",
            remedy="choose another --out",
        )
    out.parent.mkdir(parents=True, exist_ok=True)

"""What a run produced, handed over: the adapter, or the unlearned model whole, checked and with its card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelCard, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from unsee.config import RunConfig
from unsee.jobs.embedded import model_path
from unsee.jobs.folder import RunFolder, appearing, check_new, log, read_config
from unsee.jobs.verify import ask_again, same
from unsee.models.adapters import load_adapter, merge, probe_logits
from unsee.models.load import VLM, load
from unsee.nouns import UserError
from unsee.reports.card import write_card

# Largest difference of a logit between the merged model in memory and the folder read back, relative to the
# spread of the logits: float32 weights come back bit by bit, half-precision ones are rounded once.
SAME = 1e-3
VERIFICATION = "verification.json"


def export(run: Path, out: Path, *, whole: bool = False, push: str = "") -> Path:
    """Copies the adapter of a run, or writes the unlearned model as a plain folder of transformers.

    Args:
        run: A finished run folder.
        out: New or empty folder.
        whole: Write the whole model with the adapter merged into its weights in float32, read it back,
            compare logits, ask it the run's questions again, and write its model card.
        push: Hub repository to upload the folder to; it is made private where it does not exist.

    Raises:
        UserError: No finished run, ``out`` holds files, the merged model answers differently, or the upload
            is refused.
    """
    folder, config = RunFolder(run), read_config(run)
    if not folder.adapter.is_dir():
        raise UserError(
            "The run has not produced an adapter.",
            got=run,
            expected=f"{folder.adapter}",
            remedy="finish the run with the command that began it",
        )
    check_new(out)
    if push:
        _check_login(push)
    with appearing(out) as fresh:
        if whole:
            _write_merged(config, folder, fresh)
        else:
            shutil.copytree(folder.adapter, fresh)
    if push:
        _push(out, push)
    return out


def load_target(config: RunConfig) -> VLM:
    """The model that the run began with, never in 4 bits: changes are added to full weights."""
    model = str(model_path(config.world.stage)) if config.embedded else config.model
    vlm = load(
        model,
        revision=config.revision or None,
        device=config.device,
        dtype=config.dtype,
        attention=config.attention,
        trust_remote_code=config.trust_remote_code,
    )
    return merge(load_adapter(vlm, config.adapter)) if config.adapter else vlm


def licence_of(config: RunConfig) -> str:
    """Licence of the base as its own card names it; empty where that is not known."""
    if config.embedded:
        return "apache-2.0"
    card = Path(config.model) / "README.md"
    try:
        if card.is_file():
            return str(ModelCard.load(card).data.license or "")
        if Path(config.model).exists():
            return ""
        return str(ModelCard.load(config.model).data.license or "")
    except (HfHubHTTPError, HFValidationError, OSError, ValueError):
        return ""


def _write_merged(config: RunConfig, run: RunFolder, to: Path) -> None:
    merged = merge(load_adapter(load_target(config), run.adapter))
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
    del merged
    checked = {"logit_gap": gap, **ask_again(config, run, written, load_target(config))}
    _tell(checked)
    (to / VERIFICATION).write_text(json.dumps(checked, indent=2) + "\n", encoding="utf-8")
    if run.read("results.json") is not None:
        write_card(run.path, to=to, licence=licence_of(config), checked=checked)


def _tell(checked: dict[str, Any]) -> None:
    if not checked["asked"]:
        log.warning("the exported model was not asked again: %s", checked["reason"])
        return
    log.info(
        "the exported model was asked again: %d of %d replies are the same",
        checked["same_replies"],
        checked["asked"],
    )
    for name, pair in checked["metrics"].items():
        if not same(pair):
            log.warning("%s: %s in the run, %s exported", name, pair["run"], pair["exported"])


def _check_login(repo: str) -> None:
    if get_token() is None:
        raise UserError(
            "nobody is logged in to the hub",
            got=f"--push {repo}",
            expected="a token of an account that may write there",
            remedy="hf auth login",
        )


def _push(folder: Path, repo: str) -> None:
    api = HfApi()
    try:
        api.create_repo(repo, private=True, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=str(folder), commit_message="Model unlearned with unsee")
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(
            f"the hub refused the upload ({str(error).strip().splitlines()[0]})",
            got=repo,
            expected="a repository NAME/MODEL that you may write to",
            remedy=f"check the name and `hf auth whoami`; the folder is complete at {folder}",
        ) from error

"""How every job begins: the model is loaded and the folder is claimed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transformers.utils import logging as transformers_logging

from unsee.jobs.environment import environment
from unsee.jobs.folder import RunFolder, log
from unsee.jobs.inputs import Request
from unsee.jobs.suites import questions_hash
from unsee.models.load import VLM, load
from unsee.models.processes import leads
from unsee.packs.attention import choices
from unsee.packs.families import layout_of
from unsee.suites.concept import Questionnaire


def load_model(request: Request) -> VLM:
    """The model of a request, without any adapter.

    Raises:
        UserError: The model cannot be used.
    """
    quiet()
    config = request.config
    return load(
        request.model,
        revision=config.revision or None,
        device=config.device,
        dtype=config.dtype,
        attention=config.attention,
        trust_remote_code=config.trust_remote_code,
        four_bits=config.training.quantize == "4bit",
    )


def quiet() -> None:
    """No bars of loading weights where nobody watches them, and those of one process only."""
    if not sys.stderr.isatty() or not leads():
        transformers_logging.disable_progress_bar()


def claim(
    folder: RunFolder,
    job: str,
    request: Request,
    vlm: VLM,
    questionnaire: Questionnaire,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Makes the folder belong to this run of ``job``; ``more`` is added to ``environment.json``.

    Raises:
        UserError: The folder holds another run, or the files of this run have changed.
    """
    inputs = {
        "job": job,
        **request.inputs,
        "weights": vlm.weights_hash,
        "revision": vlm.revision,
        "template": vlm.chat.template_hash,
        "questions": questions_hash(questionnaire),
    }
    found = environment(seed=request.config.seed, inputs=inputs) | {"model": _family(vlm)}
    folder.claim(request.config, {**(folder.read("environment.json") or {}), **found, **(more or {})})


def _family(vlm: VLM) -> dict[str, Any]:
    """What is known or was found out about the model's family, told where it was found out."""
    layout = layout_of(vlm)
    family = {"family": vlm.base.config.model_type, **asdict(layout)}
    if layout.inferred:
        roles = vlm.roles
        family |= {"decoder": roles.decoder, "vision": roles.vision, "projector": list(roles.projector)}
        log.warning(
            "the family %s is not among the tested ones; found by trying: %s%s, "
            "decoder %s, vision %s, projector %s",
            family["family"],
            choices(vlm)["layout"].partition(" (found")[0],
            f", two-way {layout.two_way}" if layout.two_way else "",
            roles.decoder,
            roles.vision,
            ", ".join(roles.projector),
        )
    return family


def model_key(vlm: VLM) -> tuple[str, ...]:
    """What the replies of a model depend on beside the questions."""
    return (vlm.weights_hash, vlm.chat.template_hash, str(vlm.device), str(vlm.dtype))

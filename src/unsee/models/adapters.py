"""Adapters, edits and hooks: attached by role, saved, loaded with checks, merged with a check.

Adapters are PEFT's; what is added is that they land where the scope says, that loading one which does not
belong to the model or changes nothing is an error, and that merging is checked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from unsee.models.attach import (
    ADAPTER,
    TrainedRole,
    attach,
    check_trainable,
    detach,
    edited_weights,
    is_adapter,
    need_plain,
    peft_reads_old_name,
    target_modules,
    trained_table,
)
from unsee.models.fingerprint import hash_model
from unsee.models.hooks import HOOK, load_hook
from unsee.models.load import VLM
from unsee.models.pictures import from_image
from unsee.models.roles import PEFT_PREFIX
from unsee.models.scopes import Scope
from unsee.models.sine import take_sines_out
from unsee.nouns import UserError

__all__ = [
    "Scope",
    "TrainedRole",
    "attach",
    "check_trainable",
    "detach",
    "load_adapter",
    "merge",
    "probe_logits",
    "save_adapter",
    "target_modules",
    "trained_table",
]

NOTE = "unsee.json"
EDIT = "edit.safetensors"
LORA = "adapter_model.safetensors"
# Largest difference of a float32 logit, relative to the spread of the logits, between a model with its
# adapter and the merged model. The two differ by rounding only.
MERGE_TOLERANCE = 1e-3


def save_adapter(vlm: VLM, folder: str | Path) -> None:
    """Write the adapter in PEFT's format, weights trained as such as ``edit.safetensors``, or the hook.

    Beside it, ``unsee.json`` says which base it belongs to and what was trained. The folder appears complete
    or not at all: it is written beside its place and then renamed.

    Raises:
        UserError: There is nothing to save.
    """
    if vlm.scope is None and not isinstance(vlm.model, PeftModel) and vlm.hook is None:
        raise UserError(
            "there is no adapter to save",
            got=vlm.name,
            expected="a model returned by attach() or load_adapter(), or one with a hook",
            remedy="attach a scope and train it first",
        )
    target = Path(folder)
    fresh = target.with_name(f".{target.name}.writing")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if vlm.hook is not None:
        vlm.hook.save(fresh)
    else:
        _save_weights(vlm, fresh)
    (fresh / NOTE).write_text(json.dumps(_note(vlm), indent=2) + "\n", encoding="utf-8")
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _save_weights(vlm: VLM, folder: Path) -> None:
    """An adapter, edited weights, or both."""
    if isinstance(vlm.model, PeftModel):
        vlm.model.save_pretrained(str(folder), save_embedding_layers=False)
    if vlm.originals:
        state = {name: now.detach().cpu().contiguous() for name, now in edited_weights(vlm).items()}
        save_file(state, folder / EDIT, metadata={"format": "pt"})


def load_adapter(vlm: VLM, folder: str | Path, *, check: bool = True, trainable: bool = False) -> VLM:
    """The model with a saved adapter, edit or hook.

    Args:
        vlm: A plain model; as with ``attach``, use the returned VLM from here on.
        folder: Written by ``save_adapter``, or any PEFT adapter with safetensors.
        check: Compare logits with and without the adapter on one probe.
        trainable: Whether its weights can be trained further.

    Raises:
        UserError: Not an adapter; made for another base; keys that match nothing; no effect on the logits.
            The model is then as it was.
    """
    need_plain(vlm)
    path = Path(folder)
    note = _read_note(path)
    _check_base(vlm, note, path)
    scope = Scope.from_json(note["scope"]) if note.get("scope") else None
    loaded = load_hook(path).install(vlm) if (path / HOOK).is_file() else _load_weights(vlm, path, scope)
    if check:
        _check_effect(loaded, path)
    for name, parameter in loaded.model.named_parameters():
        edited = name.removeprefix(PEFT_PREFIX) in loaded.originals
        parameter.requires_grad_(trainable and (is_adapter(name) or edited))
    return loaded


def merge(vlm: VLM) -> VLM:
    """A plain model with the adapter's change in its weights; ``vlm`` must not be used afterwards.

    The sum is formed in float32 and compared there, on one probe, with the model that carries its adapter.
    The weights then return to the model's own type.

    Raises:
        UserError: The merged model answers differently, or there is a hook, which no weight can hold.
    """
    if vlm.hook is not None:
        raise UserError(
            "a hook changes no weight, so there is nothing to merge",
            got=vlm.hook.name,
            expected="a model with an adapter or edited weights",
            remedy="keep the hook's folder beside the model and load it with load_adapter()",
        )
    take_sines_out(vlm.base, keep_change=True)
    if not isinstance(vlm.model, PeftModel):
        plain = replace(vlm, scope=None, originals={}, source="memory")
        return replace(plain, weights_hash=hash_model(plain.model))
    types = {name.replace(".base_layer", ""): p.dtype for name, p in vlm.base.named_parameters()}
    vlm.model.float()
    before = probe_logits(vlm)
    model = vlm.model.merge_and_unload(safe_merge=True)
    merged = replace(vlm, model=model, scope=None, originals={}, source="memory")
    gap = float((probe_logits(merged) - before).abs().max() / before.std())
    if not gap <= MERGE_TOLERANCE:
        raise UserError(
            "the merged model answers differently from the model with its adapter",
            got=f"largest logit difference {gap:.2g} of the logits' spread",
            expected=f"at most {MERGE_TOLERANCE:g}",
            remedy="keep the adapter apart and load it with load_adapter()",
        )
    for name, parameter in model.named_parameters():
        parameter.data = parameter.data.to(types[name])
        parameter.requires_grad_(False)
    return replace(merged, weights_hash=hash_model(model))


@torch.no_grad()
def probe_logits(vlm: VLM) -> Tensor:
    """Logits (T, V) in float32 of one fixed question about one fixed picture."""
    was_training = vlm.model.training
    vlm.model.eval()
    row = vlm.chat.official_row("What is in the picture?", from_image(_probe_image()))
    row.pop("labels", None)
    inputs = {
        key: value.to(vlm.device, vlm.dtype if value.is_floating_point() else value.dtype)
        for key, value in row.items()
    }
    logits: Tensor = vlm.model(**inputs).logits[0].float().cpu()
    vlm.model.train(was_training)
    return logits


def _probe_image() -> Image.Image:
    return Image.radial_gradient("L").resize((64, 48)).convert("RGB")


def _note(vlm: VLM) -> dict[str, Any]:
    roles = vlm.roles
    trained = [] if vlm.hook else [list(line) for line in trained_table(vlm) if line.trained]
    return {
        "base": vlm.name,
        "revision": vlm.revision,
        "weights_hash": vlm.weights_hash,
        "form": _form(vlm),
        "scope": None if vlm.scope is None else vlm.scope.as_json(),
        "roles": {
            "decoder": roles.decoder,
            "vision": roles.vision,
            "projector": list(roles.projector),
            "head": roles.head,
            "embeddings": roles.embeddings,
        },
        "trained": trained,
    }


def _form(vlm: VLM) -> str:
    if vlm.hook is not None:
        return "hook"
    parts = {"lora": isinstance(vlm.model, PeftModel), "edit": bool(vlm.originals)}
    return "+".join(name for name, there in parts.items() if there)


def _read_note(path: Path) -> dict[str, Any]:
    weights = [name for name in (LORA, EDIT, HOOK) if (path / name).is_file()]
    pickle = (path / "adapter_model.bin").is_file()
    if not weights or (weights == [LORA] and not (path / "adapter_config.json").is_file()):
        raise UserError(
            "the adapter's weights are only there as pickle"
            if pickle and not weights
            else "no adapter there",
            got=path,
            expected=f"a folder with adapter_config.json and {LORA}, or with {EDIT} or {HOOK}",
            remedy="save the adapter as safetensors" if pickle else "check the path",
        )
    note = path / NOTE
    if not note.is_file():
        return {}
    data: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return data


def _check_base(vlm: VLM, note: dict[str, Any], path: Path) -> None:
    made_for = note.get("weights_hash")
    if made_for is not None and made_for != vlm.weights_hash:
        raise UserError(
            "the adapter was made for another base model",
            got=f"{path}: base {note.get('base')} with weights {made_for[:12]}",
            expected=f"weights {vlm.weights_hash[:12]} ({vlm.name})",
            remedy="load the base model that the adapter names, in the same revision",
        )


def _no_match(path: Path, names: Iterable[str]) -> UserError:
    return UserError(
        "the adapter's keys do not match the model",
        got=f"{path}: {', '.join(sorted(names)[:3])}",
        expected="names and shapes of weights of this model",
        remedy="load the model that the adapter was trained on; adapters of text-only models do not fit",
    )


def _load_weights(vlm: VLM, path: Path, scope: Scope | None) -> VLM:
    """An edit, an adapter, or both."""
    edited = _load_edit(vlm, path, scope) if (path / EDIT).is_file() else vlm
    if not (path / LORA).is_file():
        return edited
    try:
        return _load_lora(edited, path, scope)
    except UserError:
        if edited.originals:
            detach(edited)
        raise


def _load_lora(vlm: VLM, path: Path, scope: Scope | None) -> VLM:
    before = {name for name, p in vlm.model.named_parameters() if p.requires_grad}
    try:
        with peft_reads_old_name():
            model = PeftModel(vlm.model, PeftConfig.from_pretrained(str(path)))
    except ValueError as error:
        raise _no_match(path, [str(error).splitlines()[0]]) from error
    try:
        result = model.load_adapter(str(path), ADAPTER, torch_device=str(vlm.device))
        wrong = [*result.unexpected_keys, *result.missing_keys]
    except RuntimeError as error:
        wrong = [str(error).splitlines()[-1].strip()]
    if wrong:
        plain = model.unload()
        for name, parameter in plain.named_parameters():
            parameter.requires_grad_(name in before)
        raise _no_match(path, wrong)
    return replace(vlm, model=model, scope=scope)


def _load_edit(vlm: VLM, path: Path, scope: Scope | None) -> VLM:
    state = load_file(str(path / EDIT))
    parameters = dict(vlm.model.named_parameters())
    wrong = [n for n, t in state.items() if n not in parameters or parameters[n].shape != t.shape]
    if wrong or not state:
        raise _no_match(path, wrong)
    originals = {name: parameters[name].detach().clone() for name in state}
    with torch.no_grad():
        for name, tensor in state.items():
            parameters[name].copy_(tensor)
    return replace(vlm, scope=scope, originals=originals)


def _has_no_effect(vlm: VLM) -> bool:
    if vlm.hook is not None:
        # A hook leaves a probe about something else alone on purpose, so it is asked itself.
        return vlm.hook.empty
    with_adapter = probe_logits(vlm)
    with vlm.adapter_off():
        return torch.equal(with_adapter, probe_logits(vlm))


def _check_effect(vlm: VLM, path: Path) -> None:
    if _has_no_effect(vlm):
        detach(vlm)
        raise UserError(
            "the adapter changes nothing",
            got=path,
            expected="other logits than those of the base model",
            remedy="train the adapter, or load the right one",
        )

"""Training a declared part of a model and nothing else: LoRA by full module path, or the weights as such."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.models.roles import PEFT_PREFIX
from unsee.models.scopes import Scope, check_layers, part_holds
from unsee.models.sine import ANGLE, add_sine, sine_layers, take_sines_out, weight_under
from unsee.nouns import UserError

ADAPTER = "default"


class TrainedRole(NamedTuple):
    """One line of the trained-parameter table: trained weights (of an adapter too), weights of the base."""

    role: str
    trained: int
    total: int


def target_modules(vlm: VLM, scope: Scope) -> list[str]:
    """Full paths of the linear layers in a scope, in model order; those of its sine parts are left out.

    Raises:
        UserError: A part of the scope holds no linear layer, a layer or module does not exist, or the head
            shares its weights with the embeddings.
    """
    check_layers(scope.parts, *_layer_counts(vlm))
    roles = _linear_roles(vlm)
    if _is_tied(vlm):
        if "head" in scope.parts:
            raise UserError(
                "the head shares its weights with the embeddings",
                got="scope 'head'",
                expected="a part with weights of its own",
                remedy="train 'language.embeddings' with full fine-tuning, or another part",
            )
        roles = {path: role for path, role in roles.items() if role != "head"}
    for part in scope.parts:
        _need(part, any(part_holds(part, role) for role in roles.values()), "linear layer")
    for module in scope.modules:
        _need(module, any(f"{path}.".startswith(f"{module}.") for path in roles), "linear layer")
    return [path for path, role in roles.items() if scope.holds(role, path) and not scope.sines(role)]


def attach(vlm: VLM, scope: Scope, *, seed: int) -> VLM:
    """The model with exactly the weights of a scope trainable.

    LoRA layers are put into ``vlm``'s own model (weights are never copied): use the returned VLM from here
    on, or ``detach`` it. The first outputs equal the base's, since LoRA's second factor starts at zero.

    Args:
        vlm: A plain model.
        scope: What to train and how.
        seed: Of the adapter's random start; the global random state is left as it was.

    Raises:
        UserError: The model has an adapter already, or the scope does not fit the model.
    """
    need_plain(vlm)
    attached = _attach_full(vlm, scope) if scope.full else _attach_lora(vlm, scope, seed)
    if scope.sine:
        attached = _attach_sine(attached, scope, seed)
    check_trainable(attached)
    return attached


def check_scope(vlm: VLM, scope: Scope) -> None:
    """Refuse a scope that does not fit the model; nothing is attached.

    Raises:
        UserError: A layer, a module or a whole part that the model does not have.
    """
    if scope.full:
        _full_roles(vlm, scope)
    else:
        target_modules(vlm, scope)
    _sine_roles(vlm, scope)


def detach(vlm: VLM) -> VLM:
    """The base again: LoRA layers, sines and hooks are taken out, edited weights are as they were."""
    if vlm.hook is not None:
        return vlm.hook.remove(vlm)
    if isinstance(vlm.model, PeftModel):
        vlm = replace(vlm, model=vlm.model.unload(), scope=None)
    take_sines_out(vlm.model, keep_change=False)
    with torch.no_grad():
        for name, parameter in vlm.model.named_parameters():
            if name in vlm.originals:
                parameter.copy_(vlm.originals[name])
    vlm.model.requires_grad_(False)
    return replace(vlm, scope=None, originals={})


def check_trainable(vlm: VLM) -> None:
    """Fail when a weight outside the declared scope would be trained, or none at all.

    Raises:
        UserError: Names the weights that are trainable without having been declared.
    """
    scope = vlm.scope
    trainable = {name for name, p in vlm.model.named_parameters() if p.requires_grad}
    outside = sorted(name for name in trainable if scope is None or not _declared(vlm, scope, _plain(name)))
    if outside or not trainable:
        raise UserError(
            "weights outside the declared scope are trainable" if outside else "no weight is trainable",
            got=", ".join(outside) or "0 trainable weights",
            expected=f"only {', '.join(scope.parts)}" if scope else "a scope declared with attach()",
            remedy="attach the scope again, or name the part in the scope",
        )


def edited_weights(vlm: VLM) -> dict[str, Tensor]:
    """Present values of the weights that stand beside ``vlm.originals``, by their name in the plain model.

    Where a sine is trained these are W + sin(D), under the name of W.
    """
    named: dict[str, Tensor] = {_plain(name): p for name, p in vlm.model.named_parameters()}
    named |= {path + ANGLE: layer.changed_weight() for path, layer in sine_layers(vlm.base)}
    return {weight_under(name): named[name] for name in vlm.originals}


def trained_table(vlm: VLM) -> list[TrainedRole]:
    """How many weights are trained in each role (layers summed up), in model order."""
    trained: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for name, parameter in vlm.model.named_parameters():
        role = vlm.roles.role_of(_plain(name)).split("[")[0]
        total[role] += 0 if is_adapter(name) else parameter.numel()
        trained[role] += parameter.numel() if parameter.requires_grad else 0
    return [TrainedRole(role, trained[role], total[role]) for role in total]


def need_plain(vlm: VLM) -> None:
    """Refuse a model that has an adapter or a hook, or is being trained in full."""
    if isinstance(vlm.model, PeftModel) or vlm.originals or vlm.hook is not None:
        raise UserError(
            "the model has an adapter already" if vlm.hook is None else "the model has a hook already",
            got=vlm.name,
            expected="a plain model",
            remedy="detach() or merge() it first",
        )


def is_adapter(name: str) -> bool:
    """Whether a parameter is no weight of the base: LoRA, or the D of a sine."""
    return ".lora_" in name or name.endswith(ANGLE)


@contextlib.contextmanager
def peft_reads_old_name() -> Iterator[None]:
    """PEFT asks transformers whether checkpointing is on by a name that transformers has renamed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        yield


def _declared(vlm: VLM, scope: Scope, name: str) -> bool:
    role = vlm.roles.role_of(name)
    return scope.sines(role) if name.endswith(ANGLE) else scope.holds(role, name)


def _linear_roles(vlm: VLM) -> dict[str, str]:
    model = vlm.base
    linear = [path for path, module in model.named_modules() if _is_target(model, path, module)]
    return {path: vlm.roles.role_of(path) for path in linear}


def _is_target(model: nn.Module, path: str, module: nn.Module) -> bool:
    if not isinstance(module, nn.Linear):
        return False
    # torch's own attention reads its projection's weight without calling it, past any adapter.
    parent = model.get_submodule(path.rpartition(".")[0])
    return not isinstance(parent, nn.MultiheadAttention)


def _is_tied(vlm: VLM) -> bool:
    head = vlm.base.get_output_embeddings()
    return head is not None and head.weight is vlm.base.get_input_embeddings().weight


def _layer_counts(vlm: VLM) -> tuple[int, int]:
    layers = vlm.base.get_submodule(vlm.roles.layers), vlm.base.get_submodule(vlm.roles.vision_layers)
    return len(layers[0]), len(layers[1])


def _need(part: str, found: bool, what: str) -> None:
    if not found:
        raise UserError(
            f"a part of the scope holds no {what}",
            got=part,
            expected=f"parts with at least one {what}",
            remedy="leave the part out, or train it with full fine-tuning"
            if what == "linear layer"
            else "leave the part out",
        )


def _attach_lora(vlm: VLM, scope: Scope, seed: int) -> VLM:
    targets = target_modules(vlm, scope)
    if not targets:  # the sine parts are all there is
        vlm.model.requires_grad_(False)
        return replace(vlm, scope=scope)
    config = LoraConfig(
        r=scope.rank, lora_alpha=scope.alpha, lora_dropout=scope.dropout, target_modules=list(targets)
    )
    devices = [vlm.device] if vlm.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), peft_reads_old_name():
        torch.manual_seed(seed)
        model = get_peft_model(vlm.model, config)
    landed = {path for path, module in vlm.model.named_modules() if hasattr(module, "lora_A")}
    assert landed == set(targets), sorted(landed ^ set(targets))
    # PEFT shortens long lists to suffixes; the file should say in full where the adapter sits.
    saved = model.peft_config[ADAPTER]
    saved.target_modules = set(targets)
    saved.base_model_name_or_path, saved.revision = vlm.name, vlm.revision or None
    return replace(vlm, model=model, scope=scope)


def _full_roles(vlm: VLM, scope: Scope) -> dict[str, str]:
    """Role of every weight, for a scope that trains the weights themselves."""
    check_layers(scope.parts, *_layer_counts(vlm))
    roles = {name: vlm.roles.role_of(name) for name, _ in vlm.model.named_parameters()}
    for part in scope.parts:
        _need(part, any(part_holds(part, role) for role in roles.values()), "weight of its own")
    for module in scope.modules:
        _need(module, any(name.startswith(f"{module}.") for name in roles), "weight of its own")
    return roles


def _sine_roles(vlm: VLM, scope: Scope) -> dict[str, str]:
    """Role of every linear layer, for a scope with sine parts."""
    check_layers(scope.sine, *_layer_counts(vlm))
    roles = _linear_roles(vlm)
    for part in scope.sine:
        _need(part, any(part_holds(part, role) for role in roles.values()), "linear layer")
    return roles


def _attach_full(vlm: VLM, scope: Scope) -> VLM:
    roles = _full_roles(vlm, scope)
    originals = {}
    sines = {f"{path}.weight" for path, role in _linear_roles(vlm).items() if scope.sines(role)}
    for name, parameter in vlm.model.named_parameters():
        parameter.requires_grad_(scope.holds(roles[name], name) and name not in sines)
        if parameter.requires_grad:
            originals[name] = parameter.detach().clone()
    return replace(vlm, scope=scope, originals=originals)


def _attach_sine(vlm: VLM, scope: Scope, seed: int) -> VLM:
    roles = _sine_roles(vlm, scope)
    generator = torch.Generator().manual_seed(seed)
    originals = dict(vlm.originals)
    for path, role in roles.items():
        if scope.sines(role):
            angle = add_sine(vlm.base.get_submodule(path), generator)
            originals[path + ANGLE] = torch.zeros_like(angle)
    return replace(vlm, originals=originals)


def _plain(name: str) -> str:
    return name.removeprefix(PEFT_PREFIX)

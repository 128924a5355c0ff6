"""Which weight belongs to which part of the model, found by structure and told by full path.

transformers tells the decoder (``get_decoder()``) and the vision tower (``get_encoder(modality="image")``)
of every vision-language model; the rest follows from where modules sit and what they hold. Leaf names are
never used: ``q_proj`` or ``gate_proj`` occur in both towers of many families, which is how adapters end up
in the vision tower unnoticed (huggingface/peft#2615).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from unsee.nouns import UserError

PEFT_PREFIX = "base_model.model."
# What a module that mixes tokens knows: its heads, or the width of its convolution (state-space layers).
HEAD_ATTRIBUTES = ("head_dim", "num_heads", "num_attention_heads", "conv_kernel_size")


@dataclass(frozen=True)
class Roles:
    """Full paths of the parts of one model.

    Attributes:
        decoder: The language decoder without its head.
        vision: The vision tower.
        projector: Everything between the two; may lie inside ``vision`` (Qwen's merger).
        head: The output embeddings.
        embeddings: The input token embeddings.
        layers: The list of decoder layers.
        vision_layers: The list of vision layers.
        kinds: "attention", "mlp" or "norm" of the modules inside layers, by full path.
    """

    decoder: str
    vision: str
    projector: tuple[str, ...]
    head: str
    embeddings: str
    layers: str
    vision_layers: str
    kinds: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def role_of(self, name: str) -> str:
        """The role of a parameter or module, e.g. ``language.mlp[3]``, ``vision.other`` or ``projector``.

        Args:
            name: Full path in the model; PEFT's prefix and its adapter sub-modules are understood.
        """
        path = name.removeprefix(PEFT_PREFIX)
        if _inside(path, self.head):
            return "head"
        if any(_inside(path, part) for part in self.projector):
            return "projector"
        if _inside(path, self.embeddings):
            return "language.embeddings"
        if _inside(path, self.decoder):
            return self._in_layers(path, self.layers, "language", "norm")
        if _inside(path, self.vision):
            return self._in_layers(path, self.vision_layers, "vision", "other")
        return "projector"

    def _in_layers(self, path: str, layers: str, tower: str, outside: str) -> str:
        if not path.startswith(layers + "."):
            return f"{tower}.{outside}"
        index, _, rest = path.removeprefix(layers + ".").partition(".")
        place = f"{layers}.{index}"
        kind = "norm"
        for step in rest.split("."):
            place = f"{place}.{step}"
            kind = self.kinds.get(place, kind)
            if kind == "attention":
                break
        return f"{tower}.{kind}[{index}]"


def find_roles(model: nn.Module) -> Roles:
    """The roles of a vision-language model of transformers.

    Args:
        model: Any ``AutoModelForImageTextToText``; not wrapped by PEFT.

    Raises:
        UserError: The model has no vision tower, or its parts cannot be told apart.
    """
    paths = {id(module): path for path, module in model.named_modules(remove_duplicate=False)}
    decoder, vision = _tower(model, paths, "decoder"), _tower(model, paths, "vision")
    modules = dict(model.named_modules(remove_duplicate=False))
    embeddings = paths[id(_get(model, "get_input_embeddings"))]
    head = _get(model, "get_output_embeddings")
    layers = _layer_list(modules, decoder)
    vision_layers = _layer_list(modules, vision)
    known = (decoder, vision, embeddings, paths.get(id(head), "lm_head"))
    width = modules[embeddings].weight.shape[1]
    projector = _bridge_between(modules, known) or _bridge_inside(modules, vision, vision_layers, int(width))
    kinds = {**_kinds(modules, layers), **_kinds(modules, vision_layers)}
    return Roles(decoder, vision, projector, known[3], embeddings, layers, vision_layers, kinds)


def _get(model: nn.Module, getter: str, **options: str) -> Any:
    return getattr(model, getter)(**options)


def _tower(model: nn.Module, paths: Mapping[int, str], which: str) -> str:
    try:
        found = (
            _get(model, "get_decoder") if which == "decoder" else _get(model, "get_encoder", modality="image")
        )
    except (AttributeError, TypeError):
        found = None
    path = paths.get(id(found), "")
    # Both getters answer with the whole model when there is no such part.
    if not path or (which == "vision" and _inside(paths[id(_get(model, "get_decoder"))], path)):
        raise UserError(
            "the model has no vision tower" if which == "vision" else "the model has no language decoder",
            got=type(model).__name__,
            expected="a vision-language model (transformers' AutoModelForImageTextToText)",
            remedy="give a model that reads pictures, such as LLaVA, Qwen2.5-VL, Idefics3 or SmolVLM",
        )
    return path


def _inside(path: str, part: str) -> bool:
    return path == part or path.startswith(part + ".")


def _layer_list(modules: Mapping[str, nn.Module], tower: str) -> str:
    """The longest list of modules in a tower; the outermost of equals."""
    lists = [p for p, m in modules.items() if isinstance(m, nn.ModuleList) and _inside(p, tower) and len(m)]
    assert lists, f"no list of layers in {tower}"
    return max(lists, key=lambda p: (_length(modules[p]), -p.count(".")))


def _length(module: nn.Module) -> int:
    return len(module) if isinstance(module, nn.ModuleList) else 0


def _holds_parameters(module: nn.Module) -> bool:
    return next(iter(module.parameters()), None) is not None


def _bridge_between(modules: Mapping[str, nn.Module], known: Iterable[str]) -> tuple[str, ...]:
    """Modules with weights next to the towers or above them, outermost first."""
    found: list[str] = []
    for path, module in modules.items():
        apart = not any(_inside(path, k) or _inside(k, path) for k in known if k) and path
        if apart and _holds_parameters(module) and not any(_inside(path, f) for f in found):
            found.append(path)
    return tuple(found)


def _bridge_inside(
    modules: Mapping[str, nn.Module], vision: str, vision_layers: str, width: int
) -> tuple[str, ...]:
    """Children of the vision tower, outside its layers, that map to the decoder's width (Qwen's merger)."""
    children = [f"{vision}.{name}" for name, _ in modules[vision].named_children()]
    return tuple(
        child
        for child in children
        if not _inside(vision_layers, child)
        and any(isinstance(m, nn.Linear) and m.out_features == width for m in modules[child].modules())
    )


def _kinds(modules: Mapping[str, nn.Module], layers: str) -> dict[str, str]:
    """Attention = a module that mixes tokens; mlp = any other with a matrix; norm = only vectors."""
    kinds: dict[str, str] = {}
    for path, module in modules.items():
        inner = path.removeprefix(layers + ".")
        if inner == path or "." not in inner:
            continue
        if any(isinstance(getattr(module, name, None), int) for name in HEAD_ATTRIBUTES):
            kinds[path] = "attention"
        elif any(p.dim() > 1 for p in module.parameters()):
            kinds[path] = "mlp"
    return kinds

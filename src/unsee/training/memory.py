"""How much memory a training run takes at its peak, from shapes alone.

::

    weights      every parameter and buffer, in the model's own number type (4 bits: see ``quantised``)
    adapter      LoRA factors, which PEFT keeps in float32
    gradients    one number per trained weight, in that weight's type
    optimizer    AdamW: two numbers per trained weight, in that weight's type
    originals    the first values of weights that are trained as such: what "adapter off" puts in place
    copies       further copies of the model that the method keeps
    reference    logits of the reference that are kept: answer tokens * vocabulary * 4, at most the limit
    activations  what one pass over ``tokens`` tokens keeps for its backward pass. Counted: the decoder runs
                 on the meta device and the tensors that autograd saves are added up
    logits       answer tokens of one pass * vocabulary * 4 * (logits and their gradient, of model and loss)

Weights, adapter, gradients, optimizer and originals are exact. Activations are those that grow with the
number of tokens; the mask of a pack, which grows with its square, is bounded by ``pack_tokens``. State-space
layers fill every row up to whole chunks (64 tokens in Qwen3.5), which counts where rows are short. Pictures
are encoded without gradient, one after the other; where vision is trained, its activations come on top.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from unsee.models.attach import attach, detach, is_adapter, trained_table
from unsee.models.load import VLM
from unsee.models.skeleton import size
from unsee.packs.families import has_rope_grid
from unsee.training.settings import TrainSettings

FLOAT = 4
LOGIT_COPIES = 4
# NF4 keeps 4 bits per weight and one float32 scale per block of 64 (arXiv 2305.14314, section 3, before its
# second quantisation, which saves more).
NF4_BYTES = 0.5 + FLOAT / 64


@dataclass(frozen=True)
class Memory:
    """Bytes at the peak of one training run; see the module's text for what each of them is."""

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    originals: int
    copies: int
    reference: int
    activations: int
    logits: int
    roles: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def parts(self) -> dict[str, int]:
        """Every part by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "roles"}

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts.values())


def predict(
    vlm: VLM,
    settings: TrainSettings,
    *,
    copies: int = 0,
    reference: bool = True,
    answer: int = 48,
    quantised: bool = False,
) -> Memory:
    """Memory of training a model.

    Args:
        vlm: A model from ``models.skeleton``; it is as it was afterwards.
        settings: Of the training.
        copies: Models that the method keeps beside the one it trains.
        reference: Whether the method compares with the model before training.
        answer: Tokens of one answer.
        quantised: Whether linear weights outside the head are kept in 4 bits.
    """
    roles = {line.role: line.total for line in trained_table(vlm)}
    weights = _quantised(vlm) if quantised else size(vlm.base)
    attached = attach(vlm, settings.scope, seed=0)
    named = dict(attached.model.named_parameters())
    trained = [p for p in named.values() if p.requires_grad]
    rows = settings.batch + settings.anchors_per_step
    vocabulary = int(attached.base.get_output_embeddings().weight.shape[0])
    kept = rows * answer * vocabulary * FLOAT
    shown, again = min(rows * answer, settings.forward_tokens), settings.checkpointing is True
    found = Memory(
        weights=weights,
        adapter=sum(p.nbytes for name, p in named.items() if is_adapter(name)),
        gradients=sum(p.nbytes for p in trained),
        optimizer=2 * sum(p.nbytes for p in trained),
        originals=sum(tensor.nbytes for tensor in attached.originals.values()),
        copies=copies * weights,
        reference=min(kept, settings.reference_bytes) if reference else 0,
        activations=activations(attached, settings.forward_tokens, checkpointing=again),
        logits=LOGIT_COPIES * shown * vocabulary * FLOAT,
        roles=roles,
    )
    detach(attached)
    return found


def _quantised(vlm: VLM) -> int:
    """Bytes with 4-bit linear layers; embeddings, norms and the head keep their type."""
    head = vlm.roles.head
    linear = {id(m.weight): m.weight for n, m in vlm.base.named_modules() if _shrinks(n, m, head)}
    shrunk = sum(int(weight.numel() * NF4_BYTES) for weight in linear.values())
    return size(vlm.base) - int(sum(weight.nbytes for weight in linear.values())) + shrunk


def _shrinks(name: str, module: nn.Module, head: str) -> bool:
    return isinstance(module, nn.Linear) and name != head


def activations(vlm: VLM, tokens: int, *, checkpointing: bool = False) -> int:
    """Bytes that autograd keeps of one pass of the decoder over ``tokens`` tokens.

    With checkpointing: the input of every layer, and what one layer keeps while it is computed again.

    Args:
        vlm: A model with what is trained attached, usually on the meta device.
        tokens: Of one pass, padding included.
        checkpointing: Whether activations are computed again in the backward pass.
    """
    # What is kept grows with tokens, and with their square in attention: two small runs tell both factors.
    small, large = 64, 128
    few, many = _saved(vlm, small), _saved(vlm, large)
    square = max(0.0, (many - 2 * few) / (large**2 - 2 * small**2))
    line = (few - square * small**2) / small
    kept = line * tokens
    if not checkpointing:
        return int(kept)
    decoder = vlm.base.get_submodule(vlm.roles.decoder)
    layers = len(vlm.base.get_submodule(vlm.roles.layers))
    width = int(decoder.get_input_embeddings().weight.shape[1])
    inputs = layers * tokens * width * vlm.base.get_input_embeddings().weight.element_size()
    return int(inputs + kept / layers)


def _saved(vlm: VLM, tokens: int) -> int:
    """Bytes of the tensors that autograd saves, each storage once, weights left out."""
    weights = {p.untyped_storage()._cdata for p in vlm.model.parameters()}
    seen: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            seen[storage._cdata] = storage.nbytes()
            alive.append(tensor)
        return tensor

    alive: list[Tensor] = []
    embeddings = vlm.base.get_input_embeddings().weight
    axes = 3 if has_rope_grid(vlm) else 1
    with embeddings.device, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        inputs: dict[str, Any] = {
            "inputs_embeds": torch.zeros(1, tokens, embeddings.shape[1], dtype=embeddings.dtype),
            "attention_mask": torch.ones(1, 1, tokens, tokens, dtype=torch.bool),
            "position_ids": torch.zeros(*((3,) if axes == 3 else ()), 1, tokens, dtype=torch.long),
        }
        if getattr(vlm.base.config.get_text_config(), "cross_attention_layers", None):
            shape = inputs["inputs_embeds"].shape
            inputs["cross_attention_states"] = torch.zeros(shape, dtype=embeddings.dtype)
        inputs["inputs_embeds"].requires_grad_(True)
        out = vlm.base.get_submodule(vlm.roles.decoder)(**inputs, use_cache=False).last_hidden_state
        del out
    return sum(seen.values())

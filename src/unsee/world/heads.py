"""Auxiliary heads: what the vision tower must be able to tell about a picture, taught with dense labels.

They exist during training only. One learned query per attribute pools the patch features by attention;
scene cells are pooled on a fixed grid; a per-patch head on the projector's output keeps place and content of
every patch readable for the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from unsee.world.build import GRID, IMAGE_TOKENS, WIDTH

IGNORED = -100
CELLS = 2


class LabelTable:
    """Names and classes of all heads, and the mapping between named values and class numbers.

    Args:
        classes: Head name -> its class values, in order. Heads named ``cell<i>.<what>`` read a scene cell.
    """

    def __init__(self, classes: Mapping[str, Sequence[str]]) -> None:
        self.classes = {name: tuple(values) for name, values in classes.items()}
        self.names = tuple(self.classes)
        self._column = {name: i for i, name in enumerate(self.names)}
        self._index = {name: {v: i for i, v in enumerate(values)} for name, values in self.classes.items()}

    def encode(self, labels: Mapping[str, str]) -> list[int]:
        """Class number per head, ``IGNORED`` where ``labels`` says nothing."""
        row = [IGNORED] * len(self.names)
        for name, value in labels.items():
            row[self._column[name]] = self._index[name][value]
        return row

    def decode(self, row: Sequence[int]) -> dict[str, str]:
        """Counterpart of :meth:`encode`; heads without a label are left out."""
        named = zip(self.names, row, strict=True)
        return {name: self.classes[name][number] for name, number in named if number != IGNORED}


class AttributeHeads(nn.Module):
    """Attention pooling with one query per attribute, and one linear head each."""

    def __init__(self, table: LabelTable, heads: int = 4) -> None:
        super().__init__()
        self.pooled = [n for n in table.names if not n.startswith("cell")]
        self.cells = [n for n in table.names if n.startswith("cell")]
        self.column = {name: i for i, name in enumerate(table.names)}
        self.heads = heads
        self.norm_in, self.norm_out = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.norm_cell = nn.LayerNorm(WIDTH)
        self.query = nn.Parameter(torch.randn(len(self.pooled), WIDTH) * WIDTH**-0.5 * 2)
        self.key_value = nn.Linear(WIDTH, 2 * WIDTH)
        self.mean = nn.Linear(WIDTH, WIDTH)
        self.out = nn.ModuleList(nn.Linear(WIDTH, len(table.classes[n])) for n in self.pooled)
        self.cell_out = nn.ModuleList(nn.Linear(WIDTH, len(table.classes[n])) for n in self.cells)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Patch features (B, 64, D) -> logits (B, classes) per head."""
        batch, patches, width = features.shape
        per_head = width // self.heads
        split = self.key_value(self.norm_in(features)).view(batch, patches, 2, self.heads, per_head)
        key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        query = self.query.to(key.dtype).view(1, -1, self.heads, per_head).transpose(1, 2)
        pooled = functional.scaled_dot_product_attention(query.expand(batch, -1, -1, -1), key, value)
        pooled = self.norm_out(pooled.transpose(1, 2).reshape(batch, -1, width))
        pooled = pooled + self.mean(self.norm_in(features).mean(1, keepdim=True))
        logits = {
            name: head(pooled[:, i]) for i, (name, head) in enumerate(zip(self.pooled, self.out, strict=True))
        }
        grid = features.transpose(1, 2).reshape(batch, width, GRID, GRID).float()
        cell = self.norm_cell(functional.adaptive_avg_pool2d(grid, CELLS).flatten(2).transpose(1, 2))
        for name, head in zip(self.cells, self.cell_out, strict=True):
            logits[name] = head(cell[:, int(name[4])])
        return logits

    def loss(self, logits: Mapping[str, Tensor], labels: Tensor, weights: Mapping[str, float]) -> Tensor:
        """Sum over heads of the mean cross-entropy on labelled pictures.

        Args:
            logits: As returned by :meth:`forward`.
            labels: (B, heads) class numbers, ``IGNORED`` where unlabelled.
            weights: Head name -> weight; 1 where absent, 0 skips the head.
        """
        total = labels.new_zeros((), dtype=torch.float32)
        for name, values in logits.items():
            weight = weights.get(name, 1.0)
            target = labels[:, self.column[name]]
            known = target != IGNORED
            if weight and bool(known.any()):
                # a head seen on few pictures of the batch must not be louder per picture than a common one
                share = known.float().mean().sqrt()
                total = total + weight * share * functional.cross_entropy(
                    values.float()[known], target[known]
                )
        return total

    @torch.no_grad()
    def accuracy(self, logits: Mapping[str, Tensor], labels: Tensor) -> dict[str, float]:
        """Share of labelled pictures on which each head is right."""
        result = {}
        for name, values in logits.items():
            target = labels[:, self.column[name]]
            known = target != IGNORED
            if bool(known.any()):
                result[name] = (values.argmax(1) == target)[known].float().mean().item()
        return result


class PatchHead(nn.Module):
    """Reads a patch's own place, and the scene cell it lies in, from the projector's output (B, 64, D)."""

    cell_of_patch: Tensor  # (64,) number of the scene cell

    def __init__(self, table: LabelTable) -> None:
        super().__init__()
        self.norm, self.place = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, IMAGE_TOKENS)
        cells = [n for n in table.names if n.startswith("cell")]
        self.kinds = tuple(dict.fromkeys(n.split(".")[1] for n in cells))
        self.columns = {
            k: [table.names.index(f"cell{i}.{k}") for i in range(CELLS * CELLS)] for k in self.kinds
        }
        self.content = nn.ModuleDict(
            {k: nn.Linear(WIDTH, len(table.classes[f"cell0.{k}"])) for k in self.kinds}
        )
        side = torch.arange(IMAGE_TOKENS)
        cell = (side // GRID * CELLS // GRID) * CELLS + side % GRID * CELLS // GRID
        self.register_buffer("cell_of_patch", cell, persistent=False)

    def loss(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of place (all pictures) and of cell content (scenes)."""
        tokens = self.norm(tokens)
        own = torch.arange(IMAGE_TOKENS, device=tokens.device).repeat(len(tokens))
        total = functional.cross_entropy(self.place(tokens).float().flatten(0, 1), own)
        for kind, head in self.content.items():
            target = labels[:, self.columns[kind]]
            scenes = (target != IGNORED).all(1)
            if bool(scenes.any()):
                patch_target = target[scenes][:, self.cell_of_patch]
                total = total + functional.cross_entropy(
                    head(tokens[scenes]).float().flatten(0, 1), patch_target.flatten()
                )
        return total

"""Trying out how rows of an unknown family may stand together: each layout against the model's own rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.models.pictures import from_image
from unsee.nouns import Picture, UserError
from unsee.packs.families import IMAGES, PREFIX, PROMPT, ROWS, Layout, evaluating
from unsee.packs.features import FeatureStore
from unsee.packs.pack import build_packs, collate
from unsee.packs.prefix import read_rows
from unsee.packs.rows import Row, scored_row
from unsee.packs.tokens import TokenTable, forward

# Question, answer, and whether it is about the picture.
TRIED = (
    ("What is in the picture?", "A woman.", True),
    ("Is there a person? Answer with yes or no.", "No, there is nobody in it.", True),
    ("Where is Oslo?", "In Norway.", False),
    ("Where is Paris?", "In France, where else.", False),
)
PACKED = (Layout(), IMAGES, PROMPT)
OWN = (PREFIX, ROWS)
TOGETHER = 65536  # both rows in one pass, the shorter one padded
# Largest difference of a logit relative to the spread of the logits; half precision rounds more.
TOLERANCE: Mapping[torch.dtype, float] = {torch.float32: 1e-4}
HALF = 5e-2


def find_layout(vlm: VLM, trial: MutableMapping[nn.Module, Layout], *, own: bool = False) -> Layout:
    """The first layout under which questions get the logits of the model's own rows.

    Two are about a picture and two are text. What is tried has answers, so that a model whose questions see
    their answers fits nothing.

    Args:
        vlm: A model of an unknown family.
        trial: Where ``layout_of`` looks layouts up; holds the candidate while it is tried.
        own: Whether only layouts are tried in which the model makes its own masks.

    Raises:
        UserError: None of them; says by how much each one is off.
    """
    picture = from_image(Image.radial_gradient("L").resize((64, 48)).convert("RGB"))
    base = replace(vlm, hook=None)
    gaps: dict[str, str] = {}
    with torch.no_grad(), evaluating(vlm.model):
        wanted = [_own(base, question, picture if shown else None) for question, _, shown in TRIED]
        for candidate in OWN if own else (*PACKED, *OWN):
            trial[vlm.base] = candidate
            try:
                gap = _gap(_found(base, candidate, picture), wanted)
            except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                gaps[_name(candidate)] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                continue
            finally:
                trial.pop(vlm.base, None)
            if gap <= TOLERANCE.get(vlm.dtype, HALF):
                return replace(candidate, inferred=True)
            gaps[_name(candidate)] = f"{gap:.2g} of their spread"
    raise UserError(
        f"the family {vlm.base.config.model_type} is not known, and what was tried does not fit it",
        got="; ".join(f"{name}: {gap}" for name, gap in gaps.items()),
        expected="no difference between the logits of a rung and those of the model's own rows",
        remedy="use a model of a supported family, see: unsee list models",
    )


def _name(layout: Layout) -> str:
    return layout.form + (f" ({layout.two_way} two-way)" if layout.two_way else "")


def _own(vlm: VLM, question: str, picture: Picture | None) -> Tensor:
    if picture is None:
        ids = torch.tensor([vlm.chat.encode(question).ids])
        return _last(vlm, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    row = vlm.chat.official_row(question, picture)
    row.pop("labels", None)
    return _last(vlm, row)


def _last(vlm: VLM, inputs: Mapping[str, Any]) -> Tensor:
    moved = {
        key: value.to(vlm.device, vlm.dtype if value.is_floating_point() else value.dtype)
        for key, value in inputs.items()
    }
    logits: Tensor = vlm.model(**moved).logits[0, -1].float()
    return logits


def _found(vlm: VLM, layout: Layout, picture: Picture) -> list[Tensor]:
    """The logits behind each question under this layout."""
    rows = [scored_row(vlm, question, told, picture if shown else None) for question, told, shown in TRIED]
    found: dict[int, Tensor] = {}
    for order, table in _tables(vlm, layout, rows):
        first = (
            (table.row[None] == torch.arange(len(order), device=table.row.device)[:, None]).int().argmax(1)
        )
        found.update(zip(order, table.logits[first], strict=True))
    return [found[index] for index in range(len(rows))]


def _tables(vlm: VLM, layout: Layout, rows: Sequence[Row]) -> Iterator[tuple[tuple[int, ...], TokenTable]]:
    if layout.own:
        yield from read_rows(vlm, rows, features=FeatureStore(vlm), max_rows=len(rows), max_tokens=TOGETHER)
        return
    for pack in build_packs(vlm, rows):
        batch = collate(vlm, [pack])
        yield batch.order, forward(vlm, batch)


def _gap(found: list[Tensor], own: list[Tensor]) -> float:
    gaps = [float((a - b).abs().max() / b.std()) for a, b in zip(found, own, strict=True)]
    return max(gaps)

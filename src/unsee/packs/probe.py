"""Trying out how rows of an unknown family may stand together: packs against the model's own row."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from unsee.models.load import VLM
from unsee.models.pictures import from_image
from unsee.nouns import Picture, UserError
from unsee.packs.families import IMAGES, PREFIX, Layout, dense_mask, evaluating
from unsee.packs.pack import build_packs, collate
from unsee.packs.rows import question_row
from unsee.packs.vision import pixel_inputs

QUESTIONS = ("What is in the picture?", "Is there a person? Answer with yes or no.")
CANDIDATES = (Layout(), IMAGES, PREFIX)
# Largest difference of a logit relative to the spread of the logits; half precision rounds more.
TOLERANCE: Mapping[torch.dtype, float] = {torch.float32: 1e-4}
HALF = 5e-2


def find_layout(vlm: VLM, trial: MutableMapping[nn.Module, Layout]) -> Layout:
    """The first layout under which two questions about a picture get the logits of the model's own rows.

    Args:
        vlm: A model of an unknown family.
        trial: Where ``layout_of`` looks layouts up; holds the candidate while it is tried.

    Raises:
        UserError: None of them; says by how much each one is off.
    """
    picture = from_image(Image.radial_gradient("L").resize((64, 48)).convert("RGB"))
    base = replace(vlm, hook=None)
    gaps: dict[str, str] = {}
    with torch.no_grad(), evaluating(vlm.model):
        own = [_own(base, question, picture) for question in QUESTIONS]
        for candidate in CANDIDATES:
            trial[vlm.base] = candidate
            try:
                gap = _gap(_packed(base, picture), own)
            except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                gaps[_name(candidate)] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                continue
            finally:
                trial.pop(vlm.base, None)
            if gap <= TOLERANCE.get(vlm.dtype, HALF):
                return replace(candidate, inferred=True)
            gaps[_name(candidate)] = f"logits off by {gap:.2g} of their spread"
    raise UserError(
        f"the family {vlm.base.config.model_type} is not known, and what was tried does not fit it",
        got="; ".join(f"{name}: {gap}" for name, gap in gaps.items()),
        expected="logits of packed questions equal to those of the model's own rows",
        remedy="use a model of a supported family, see: unsee list models",
    )


def _name(layout: Layout) -> str:
    return layout.form + (f" with two-way {layout.two_way}" if layout.two_way else "")


def _own(vlm: VLM, question: str, picture: Picture) -> Tensor:
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


def _packed(vlm: VLM, picture: Picture) -> list[Tensor]:
    rows = [question_row(vlm, question, picture) for question in QUESTIONS]
    found: list[Tensor] = []
    for pack in build_packs(vlm, rows):
        batch = collate(vlm, [pack])
        logits = vlm.model(
            input_ids=batch.input_ids,
            attention_mask=dense_mask(vlm, batch.attention_mask),
            position_ids=batch.position_ids,
            use_cache=False,
            **pixel_inputs(vlm, batch.pictures),
        ).logits.flatten(0, 1)
        found += list(logits[batch.last].float())
    return found


def _gap(found: list[Tensor], own: list[Tensor]) -> float:
    gaps = [float((a - b).abs().max() / b.std()) for a, b in zip(found, own, strict=True)]
    return max(gaps)

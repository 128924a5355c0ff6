"""The head of a model card, as the Hugging Face hub reads it: base, tags, licence, evaluation results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from unsee.reports.measures import MEASURES

TASK = "image-text-to-text"
DATASET = "unsee/concept"


def metadata(
    *, base: str, library: str, title: str, licence: str, unlearned: Mapping[str, Any], asked: str
) -> str:
    """YAML between the two lines of dashes.

    Args:
        base: Hub id or name of the base model, without anything private.
        library: peft, transformers or unsee.
        title: Name of the model in the results; not that of the concept.
        licence: Licence of the base as the hub writes it, or empty where it is not known.
        unlearned: Metrics of the unlearned model from ``results.json``.
        asked: What the evaluation put to the model, in a few words.
    """
    found = [
        EvalResult(
            task_type=TASK,
            dataset_type=DATASET,
            dataset_name=asked,
            metric_type=name,
            metric_name=MEASURES[name].title if name in MEASURES else name,
            metric_value=round(float(score["value"]), 6),
        )
        for name, score in unlearned.items()
    ]
    card = ModelCardData(
        base_model=base,
        library_name=library,
        pipeline_tag=TASK,
        tags=["machine-unlearning", "unsee"],
        license=licence or None,
        model_name=title if found else None,
        eval_results=found or None,
    )
    return str(card.to_yaml())

"""The pure mathematics of unlearning: tensors in, one value per row out, computed in float32.

Letters: N answer tokens, V vocabulary, R rows. Nothing here knows a model, a picture or a tokenizer.
"""

from unsee.objectives.divergences import forward_kl
from unsee.objectives.likelihood import Reduction, answer_nll, mean_by_row, sum_by_row, token_logp
from unsee.objectives.masked_kl import (
    Variant,
    concept_mass,
    dual_masked_kl,
    masked_kl,
    misaligned_keep,
    released_kl,
)
from unsee.objectives.shapes import confidence, entropy, margin
from unsee.objectives.states import random_direction, scaled_direction, state_error
from unsee.objectives.statistics import Statistics, statistics
from unsee.objectives.teachers import distil, lowered, reverse_kl, uniform, warm_kl, without_label
from unsee.objectives.weights import (
    batch_preference_loss,
    clear_npo,
    preference_loss,
    preference_weight,
    probability_weight,
    weighted_logp,
)

__all__ = [
    "Reduction",
    "Statistics",
    "Variant",
    "answer_nll",
    "batch_preference_loss",
    "clear_npo",
    "concept_mass",
    "confidence",
    "distil",
    "dual_masked_kl",
    "entropy",
    "forward_kl",
    "lowered",
    "margin",
    "masked_kl",
    "mean_by_row",
    "misaligned_keep",
    "preference_loss",
    "preference_weight",
    "probability_weight",
    "random_direction",
    "released_kl",
    "reverse_kl",
    "scaled_direction",
    "state_error",
    "statistics",
    "sum_by_row",
    "token_logp",
    "uniform",
    "warm_kl",
    "weighted_logp",
    "without_label",
]

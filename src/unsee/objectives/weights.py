"""Token weights of the ascent family, and the preference loss that they come from.

Every method that lowers the likelihood of an answer has, at each moment, the gradient of

    sum over tokens of sg(w_t) log p_t

and differs in the weight alone (sg = the weight is a constant):

    GA       1                                           WGA     p_t^beta
    SatImp   p_t^beta1 (1 - p_t)^beta2                   NPO     2 sigma(beta e), e = log p(y) - log p_ref(y)
    SimNPO   (2 / T) sigma(beta e), e = gamma + log p(y) / T
    DPO      2 sigma(beta e) on y and minus that on the preferred answer, e = the NPO excess of y over its

For GA, WGA and SatImp the weighted sum is the loss. NPO (arXiv 2404.05868), SimNPO (arXiv 2410.07163) and DPO
(arXiv 2305.18290, as used for unlearning) are one loss, :func:`preference_loss`, of the excess e: by how much
the model still favours what it shall forget.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unsee.objectives.likelihood import Reduction, mean_by_row, sum_by_row

CLEAR_EPSILON = 1e-8


def probability_weight(
    logp: Tensor,  # (N,) log-probability of each answer token
    beta: float,
    doubt: float = 0.0,
) -> Tensor:
    """Detached p^beta (1 - p)^doubt of each token: (N,), between 0 and 1.

    WGA (arXiv 2502.19301) has ``doubt`` 0: known tokens are climbed, tokens already forgotten are left alone.
    SatImp (arXiv 2505.11953) also spares tokens that the model is sure of.
    """
    logp = logp.detach().float()
    return torch.exp(beta * logp) * (-torch.expm1(logp)).clamp(min=0.0) ** doubt


def weighted_logp(
    logp: Tensor,  # (N,) log-probability of each answer token
    weight: Tensor,  # (N,), taken as a constant
    row: Tensor,  # (N,) int64
    rows: int,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """Weighted log-probability (nats) of each row, averaged or summed over its tokens: (R,).

    Minimising it climbs the loss of the answers.
    """
    values = weight.detach() * logp
    return mean_by_row(values, row, rows) if reduction == "mean" else sum_by_row(values, row, rows)


def preference_loss(excess: Tensor, beta: float) -> Tensor:
    """-(2 / beta) log sigma(-beta * excess), elementwise and never negative; ``excess`` in nats, beta > 0.

    At excess 0 it is 2 log(2) / beta with slope 1: for small beta the gradient is that of plain ascent.
    """
    assert beta > 0, beta
    return functional.softplus(beta * excess) * (2.0 / beta)


def preference_weight(excess: Tensor, beta: float) -> Tensor:
    """Slope of :func:`preference_loss`: 2 sigma(beta * excess), between 0 and 2, detached."""
    return 2.0 * torch.sigmoid(beta * excess.detach())


def batch_preference_loss(
    logp: Tensor,  # (R,) log-probability of each row, summed over its tokens
    reference: Tensor,  # (R,) the same of the frozen reference
    tokens: Tensor,  # (R,) how many tokens that were
    beta: float,
) -> Tensor:
    """NPO as released with MLLMU-Bench (arXiv 2410.22108): one ratio for the whole batch: (R,).

    The excess is the mean over all tokens of the batch, one number, so a long answer and one already
    forgotten decide for the others. Each row gets the batch's loss times its own number of tokens: their sum
    divided by the number of tokens is the released scalar.
    """
    excess = (logp - reference.detach()).sum() / tokens.sum()
    return preference_loss(excess, beta) * tokens


def clear_npo(
    student: Tensor,  # (N, V) logits
    reference: Tensor,  # (N, V) logits, frozen
    row: Tensor,  # (N,) int64
    rows: int,
    beta: float,
) -> Tensor:
    """What CLEAR (arXiv 2410.18057) releases as NPO: (R,), summed over a row's tokens. Known to be wrong.

        mean over v of (2 / beta) log(1 + (p_v / (p_ref,v + 1e-8))^beta)

    The ratio is taken for every token of the vocabulary, the answer is never looked at. At student =
    reference the gradient on the logits is 1/V - p: a step of descent raises every likely token, the answer
    first of all.
    """
    log_p = torch.log_softmax(student.float(), dim=-1)
    log_ref = torch.log(torch.softmax(reference.detach().float(), dim=-1) + CLEAR_EPSILON)
    return sum_by_row(preference_loss(log_p - log_ref, beta).mean(-1), row, rows)

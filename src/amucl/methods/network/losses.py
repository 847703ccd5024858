"""The losses of DMACL, for a stack of replicas: every function maps (R, ...) to one value per replica, (R,).

Source: the DMACL paper, eqs. 6 to 13. As printed, (7) and (8) hold tau outside the exponential and keep the positive
pair that the text removes, (9) uses one view, (11) sums over columns and (12) counts one view's entropy; here they
are as their text and the works they build on (decoupled contrastive learning, contrastive clustering) define them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LOG_FLOOR = 1e-12


def decoupled_contrastive_loss(z1: Tensor, z2: Tensor, temperature: float) -> Tensor:
    """L_D: pull a sample's two views together, push all other samples away (eqs. 6 to 9).

    L_D = 1/(2N) sum_i sum_v [ -s(z1_i, z2_i)/tau
                               + log sum_{j != i} (exp(s(zv_i, zv_j)/tau) + exp(s(zv_i, zv'_j)/tau)) ]

    s is the cosine similarity, v a view and v' the other. The positive pair is not in the denominator: this is what
    decouples it. z1, z2: (R, N, d) with N >= 2.
    """
    itself_in_both_views = torch.eye(z1.shape[-2], dtype=torch.bool, device=z1.device).repeat(2, 2)
    return _contrast(z1, z2, temperature, left_out=itself_in_both_views)


def contrastive_loss(z1: Tensor, z2: Tensor, temperature: float) -> Tensor:
    """The loss that L_D decouples, for comparison: the same with the positive pair in the denominator (NT-Xent)."""
    itself = torch.eye(2 * z1.shape[-2], dtype=torch.bool, device=z1.device)
    return _contrast(z1, z2, temperature, left_out=itself)


def cluster_contrastive_loss(c1: Tensor, c2: Tensor, temperature: float) -> Tensor:
    """L_C without its entropy term: the M columns of the soft assignments are contrasted as samples are (eqs. 10, 11).

    1/(2M) sum_i sum_v -log [ exp(s(c1_i, c2_i)/u)
                              / (sum_{j != i} exp(s(cv_i, cv_j)/u) + sum_j exp(s(cv_i, cv'_j)/u)) ]

    c1, c2: (R, N, M), rows sum to 1.
    """
    return contrastive_loss(c1.mT, c2.mT, temperature)


def negative_assignment_entropy(c1: Tensor, c2: Tensor) -> Tensor:
    """Sum over both views of P log P, P the mean assignment (eq. 12): lowest when all clusters are used alike."""
    first, second = c1.mean(-2), c2.mean(-2)
    return (
        (torch.special.entr(first.clamp_min(LOG_FLOOR)) + torch.special.entr(second.clamp_min(LOG_FLOOR))).sum(-1).neg()
    )


def _contrast(first: Tensor, second: Tensor, temperature: float, left_out: Tensor) -> Tensor:
    """Mean over the rows of both views: the log sum of exp(similarity) to the rest, less the similarity of the pair.

    left_out: (2N, 2N), True for the similarities that are not in the sum. No cosine exceeds 1, so all are shifted by
    that bound instead of their own maximum: a third of the time of a log-sum-exp.
    """
    both = functional.normalize(torch.cat([first, second], dim=-2), dim=-1)
    bound = 1 / temperature
    shift = torch.full(left_out.shape, -bound, dtype=both.dtype, device=both.device).masked_fill(left_out, -torch.inf)
    log_sum = torch.baddbmm(shift, both / temperature, both.mT).exp().sum(-1).log() + bound
    one, other = both.chunk(2, dim=-2)
    return log_sum.mean(-1) - (one * other).sum(-1).mean(-1) / temperature

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
    z1, z2 = functional.normalize(z1, dim=-1), functional.normalize(z2, dim=-1)
    positive = (z1 * z2).sum(-1) / temperature
    between = _off_diagonal(z1 @ z2.mT / temperature)
    first = torch.logsumexp(torch.cat([_off_diagonal(z1 @ z1.mT / temperature), between], dim=-1), dim=-1)
    second = torch.logsumexp(torch.cat([_off_diagonal(z2 @ z2.mT / temperature), between.mT], dim=-1), dim=-1)
    return ((first + second) / 2 - positive).mean(-1)


def cluster_contrastive_loss(c1: Tensor, c2: Tensor, temperature: float) -> Tensor:
    """L_C without its entropy term: the M columns of the soft assignments are contrasted as samples are (eqs. 10, 11).

    1/(2M) sum_i sum_v -log [ exp(s(c1_i, c2_i)/u)
                              / (sum_{j != i} exp(s(cv_i, cv_j)/u) + sum_j exp(s(cv_i, cv'_j)/u)) ]

    c1, c2: (R, N, M), rows sum to 1.
    """
    a, b = functional.normalize(c1.mT, dim=-1), functional.normalize(c2.mT, dim=-1)
    between = a @ b.mT / temperature
    positive = between.diagonal(dim1=-2, dim2=-1)
    first = torch.logsumexp(torch.cat([_off_diagonal(a @ a.mT / temperature), between], dim=-1), dim=-1)
    second = torch.logsumexp(torch.cat([_off_diagonal(b @ b.mT / temperature), between.mT], dim=-1), dim=-1)
    return ((first + second) / 2 - positive).mean(-1)


def negative_assignment_entropy(c1: Tensor, c2: Tensor) -> Tensor:
    """Sum over both views of P log P, P the mean assignment (eq. 12): lowest when all clusters are used alike."""
    first, second = c1.mean(-2), c2.mean(-2)
    return (
        (torch.special.entr(first.clamp_min(LOG_FLOOR)) + torch.special.entr(second.clamp_min(LOG_FLOOR))).sum(-1).neg()
    )


def _off_diagonal(square: Tensor) -> Tensor:
    """Square matrices with the diagonal set so low that it adds nothing to a log-sum-exp."""
    diagonal = torch.eye(square.shape[-1], dtype=torch.bool, device=square.device)
    return square.masked_fill(diagonal, -torch.inf)

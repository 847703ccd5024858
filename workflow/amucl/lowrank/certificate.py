"""How far from the optimum: a lower bound on the objective from any dual iterate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amucl.lowrank.problem import Problem
from amucl.lowrank.proximal import clip


@dataclass(frozen=True)
class Certificate:
    """An objective value `primal` and a lower bound `dual` on every value of the problem."""

    primal: float
    dual: float

    @property
    def gap(self) -> float:
        """Relative gap (primal - dual) / primal: the optimum is at most this much lower."""
        return (self.primal - self.dual) / self.primal if self.primal > 0 else 0.0


def duality_gap(problem: Problem, Z: np.ndarray, J: np.ndarray, Y1: np.ndarray, Y2: np.ndarray) -> Certificate:
    """Objective at an iterate and a lower bound by weak duality, valid whatever the four matrices hold.

    With |Y1| <= gamma and Y2 <= lam (|Y2| <= lam if Z is free), which clipping ensures, and the graph term bounded
    below by its tangent at Z: let q = beta tr(Z L Z^T) and G = sym(X^T Y1 - Y2) - beta (ZL + LZ). Where ||G||_2 <= 1,
    <Y1, X> - q is a lower bound; (tY1, tY2, tZ) gives t <Y1, X> - t^2 q, with the best such t in [0, 1].

    Parameters
    ----------
    Z, J : (n, n), made symmetric. The objective is taken at J, made non-negative, if the problem asks for it, else
        at Z: a feasible point.
    Y1 : (m, n) and Y2 : (n, n), multipliers of X = XZ + E and Z = J.
    """
    Z, J, Y2 = symmetric_part(Z), symmetric_part(J), symmetric_part(Y2)
    primal = problem.objective(np.maximum(J, 0) if problem.nonneg else Z)
    Y2 = np.minimum(Y2, problem.lam) if problem.nonneg else clip(Y2, problem.lam)
    XtY1 = problem.X.T @ clip(Y1, problem.gamma)
    linear, q = float(np.trace(XtY1, dtype=np.float64)), problem.roughness(Z)
    LZ = problem.L @ Z
    norm = _spectral_norm(symmetric_part(XtY1) - Y2 - problem.beta * (LZ + LZ.T))
    t = max(0.0, min(1.0, 1 / norm if norm > 1 else 1.0, linear / (2 * q) if q > 0 else 1.0))
    return Certificate(primal, t * linear - t * t * q)


def symmetric_part(A: np.ndarray) -> np.ndarray:
    """(A + A^T) / 2."""
    return (A + A.T) / 2


def _spectral_norm(S: np.ndarray) -> float:
    w = np.linalg.eigvalsh(S)
    return float(max(-w[0], w[-1]))

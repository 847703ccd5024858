"""How far from the optimum: a lower bound on the objective from any multipliers, made tight by repairing them."""

from __future__ import annotations

from dataclasses import dataclass

from array_api_compat import array_namespace

from amucl.methods.lowrank.arrays import Array, total, zeros
from amucl.methods.lowrank.problem import Problem
from amucl.methods.lowrank.proximal import clip

REPAIRS = 4
WORTH_REPAIRING = 100  # times the wanted gap: further off, an iteration gains more than a repair
STALLED = 0.9  # of the gap left by a repair: another is not worth its eigenvectors
RIDGE = 2e-4  # relative to the largest eigenvalue of X^T X


@dataclass(frozen=True)
class Certificate:
    """An objective value `primal` and a lower bound `dual` on every value of the problem."""

    primal: float
    dual: float

    @property
    def gap(self) -> float:
        """Relative gap (primal - dual) / primal: the optimum is at most this much lower."""
        return 0.0 if self.primal == 0 else (self.primal - self.dual) / self.primal


class Certifier:
    """Objective at an iterate and a lower bound by weak duality, valid whatever the matrices hold.

    Let Y1 be a multiplier of X = XZ + E within gamma (entrywise, or by columns for l21 noise), Y2 one of Z = J with
    Y2 <= lam (|Y2| <= lam if Z is free), q = beta tr(Z L Z^T) at any Z, and G = X^T Y1 - Y2 - 2 beta Z L (its symmetric
    part where Z is symmetric). Where ||G||_2 <= 1, <Y1, X> - q is below every value of the objective; (tY1, tY2, tZ)
    gives t <Y1, X> - t^2 q, with the best such t in [0, 1].

    Multipliers of an unfinished solver give a norm above 1, and the factor t alone wastes a bound that is nearly right:
    what of G sticks out of the unit ball is therefore moved, first into Y2 as far as its bound lets it, then into
    Y1 by ridge regression on X, and the bound is taken again. A few such repairs bring a gap of 2e-2 below 5e-3.
    """

    def __init__(self, problem: Problem, d: Array, V: Array) -> None:
        """d, V: eigenvalues (n,) and eigenvectors (n, n) of X^T X."""
        self.problem = problem
        self.d, self.V = d, V

    def __call__(self, Z: Array, J: Array, Y1: Array, Y2: Array, tol: float = 0.0) -> Certificate:
        """The certificate of an iterate; repairs end where the gap is at most `tol`.

        Parameters
        ----------
        Z, J : (n, n). The objective is taken at J, made feasible, if there is such a copy, else at Z.
        Y1 : (m, n), overwritten. Y2 : (n, n).
        """
        problem = self.problem
        xp = array_namespace(Z)
        point = problem.project_symmetry(J if problem.has_copy else Z)
        primal = problem.objective(xp.clip(point, 0.0, None) if problem.nonneg else point)
        Z = problem.project_symmetry(Z)
        q, graph = problem.roughness(Z), problem.project_symmetry(problem.graph_gradient(Z))
        Y2 = self._within(problem.project_symmetry(Y2))
        correction, best, gap = None, float("-inf"), float("inf")
        for _ in range(1 + REPAIRS):
            XtY1, linear = self._multiply(Y1, correction)
            excess, _, w = problem.shrink_rank(XtY1 - Y2 - graph, 1.0)
            best = max(best, _scaled_bound(linear, q, 1 + self._rounding() + (float(abs(w[0])) if len(w) else 0.0)))
            before, gap = gap, Certificate(primal, best).gap
            if len(w) == 0 or gap <= tol or gap > WORTH_REPAIRING * tol > 0 or gap > STALLED * before:
                break
            moved = self._within(Y2 + excess)
            correction = self._regress(excess - (moved - Y2))
            Y2 = moved
        return Certificate(primal, best)

    def _within(self, Y2: Array) -> Array:
        """Y2 cut to its bounds; nothing where there is no copy."""
        if not self.problem.has_copy:
            return Y2 * 0
        if self.problem.nonneg:
            return array_namespace(Y2).clip(Y2, None, self.problem.lam)
        return clip(Y2, self.problem.lam)

    def _multiply(self, Y1: Array, correction: Array | None) -> tuple[Array, float]:
        """X^T Y1 and <Y1, X>, after Y1 <- clip(Y1 - X correction) in place."""
        X = self.problem.X
        product, linear = zeros((X.shape[1], X.shape[1]), X), 0.0
        for rows in self.problem.row_blocks():
            block = Y1[rows] if correction is None else Y1[rows] - X[rows] @ correction
            Y1[rows] = self.problem.clip_noise(block)
            product += X[rows].T @ Y1[rows]
            linear += total(X[rows] * Y1[rows])
        return product, linear

    def _regress(self, target: Array) -> Array:
        """C with X^T X C near `target`, by ridge regression."""
        ridge = RIDGE * float(self.d[-1])
        return self.V @ ((self.V.T @ target) / (self.d[:, None] + ridge))

    def _rounding(self) -> float:
        """Allowance for the rounding of a spectral norm near 1."""
        xp = array_namespace(self.d)
        return float(xp.finfo(self.d.dtype).eps) * len(self.d) ** 0.5


def _scaled_bound(linear: float, q: float, spectral_norm: float) -> float:
    """max over t of t linear - t^2 q, for 0 <= t <= 1 / spectral_norm."""
    t = max(0.0, min(1 / spectral_norm, 1.0, linear / (2 * q) if q > 0 else 1.0))
    return max(0.0, t * linear - t * t * q)

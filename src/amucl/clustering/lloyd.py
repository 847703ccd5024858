"""Lloyd's algorithm for many starts at once: every restart is a row of one batch, on all samples or on a subset.

The assignment step of a whole batch is one matrix product. Random numbers are drawn restart by restart, so that a
restart's result depends neither on how many others there are nor on how the batch is cut.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

KMEANS_PLUS_PLUS, RANDOM = "k-means++", "random"
STARTS = (KMEANS_PLUS_PLUS, RANDOM)

_MAX_ITERATIONS = 300
_BATCH_VALUES = 2**17  # 1 MB of float64: a batch's distances stay in the processor's cache


def run_batches(
    X: np.ndarray, k: int, seeds: np.random.SeedSequence, starts: np.ndarray, masks: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Run k-means once per entry of `starts`, batch by batch.

    Parameters
    ----------
    X : (n_samples, n_features), centred.
    k : number of clusters.
    seeds : source of all randomness.
    starts : (n_restarts,) each `k-means++` (greedy, as in scikit-learn) or `random` (k samples).
    masks : (n_restarts, n_samples) True where a sample takes part in a restart; the others are only assigned.

    Yields
    ------
    The slice of restarts in the batch; labels 0..k-1 (batch, n_samples) int8 or int16; inertias (batch,).
    A cluster that runs empty is moved to the sample farthest from its centroid; a restart has fewer than k clusters
    only where its samples have fewer than k different places.
    """
    n = len(X)
    generators = {kind: np.random.default_rng(child) for kind, child in zip(STARTS, seeds.spawn(2), strict=True)}
    size = max(_BATCH_VALUES // (n * k), 1)
    for begin in range(0, len(starts), size):
        batch = slice(begin, min(begin + size, len(starts)))
        kinds = starts[batch]
        mask = None if masks is None else masks[batch]
        centroids = np.empty((len(kinds), k, X.shape[1]))
        for kind, generator in generators.items():
            rows = kinds == kind
            if rows.any():
                inside = None if mask is None else mask[rows]
                start = _kmeans_plus_plus if kind == KMEANS_PLUS_PLUS else _random_samples
                centroids[rows] = X[start(X, k, int(rows.sum()), inside, generator)]
        yield batch, *_lloyd(X, centroids, mask)


def _random_samples(X: np.ndarray, k: int, size: int, mask: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """k different samples per restart: (size, k)."""
    keys = rng.random((size, len(X)))
    if mask is not None:
        keys[~mask] = 2
    return np.argpartition(keys, k - 1, axis=1)[:, :k]


def _kmeans_plus_plus(
    X: np.ndarray, k: int, size: int, mask: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Greedy k-means++: each next centre is the best of 2 + log k candidates drawn by squared distance: (size, k)."""
    n, n_trials = len(X), 2 + int(np.log(k))
    draws = rng.random((size, 1 + (k - 1) * n_trials))
    weight = np.ones((size, n)) if mask is None else mask.astype(np.float64)
    chosen = np.empty((size, k), dtype=np.intp)
    chosen[:, 0] = _draw(weight, draws[:, :1])[:, 0]
    squares = np.einsum("ij,ij->i", X, X)
    closest = _squared_distances(X, squares, chosen[:, :1])[:, 0] * weight
    for c in range(1, k):
        trials = _draw(closest, draws[:, 1 + (c - 1) * n_trials : 1 + c * n_trials])
        potential = np.minimum(_squared_distances(X, squares, trials) * weight[:, None], closest[:, None])
        best = potential.sum(axis=2).argmin(axis=1)
        chosen[:, c] = trials[np.arange(size), best]
        closest = potential[np.arange(size), best]
    return chosen


def _draw(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Positions drawn in proportion to `weights` (rows, n) by `uniform` (rows, draws) in [0, 1): (rows, draws)."""
    reached = np.cumsum(weights, axis=1)
    targets = uniform * reached[:, -1:]
    # The first position whose cumulated weight exceeds the target: one of weight 0 is never it (unless all are 0).
    drawn = (reached[:, None, :] <= targets[:, :, None]).sum(axis=2)
    return np.minimum(drawn, weights.shape[1] - 1)


def _squared_distances(X: np.ndarray, squares: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """From samples `chosen` (rows, c) to all: (rows, c, n), never negative."""
    product = X[chosen.ravel()] @ X.T
    distances = squares[chosen].reshape(-1, 1) - 2 * product + squares
    return np.maximum(distances, 0, out=distances).reshape(*chosen.shape, len(X))


def _lloyd(X: np.ndarray, centroids: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Iterate a batch to convergence: labels (batch, n) and inertias (batch,)."""
    batch, k, _ = centroids.shape
    labels = _no_labels(batch, len(X), k)
    inertias = np.zeros(batch)
    active, previous = np.arange(batch), None
    inside = mask
    for _ in range(_MAX_ITERATIONS):
        assigned = _assign(X, centroids)
        centroids, sizes = _means(X, assigned, inside, k)
        empty = np.flatnonzero((sizes == 0).any(axis=1))
        for row in empty:
            _refill(X, assigned[row], centroids[row], sizes[row], None if inside is None else inside[row])
        settled = np.zeros(len(active), dtype=bool) if previous is None else _unchanged(assigned, previous, inside)
        labels[active] = assigned
        inertias[active] = _inertias(X, centroids, sizes, inside)
        if settled.all():
            break
        going = ~settled
        active, previous, centroids = active[going], assigned[going], centroids[going]
        inside = None if inside is None else inside[going]
    return labels, inertias


def _unchanged(assigned: np.ndarray, previous: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    same = assigned == previous
    return same.all(axis=1) if mask is None else (same | ~mask).all(axis=1)


def _assign(X: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The nearest centroid of every sample in every restart, the first of equals: (batch, n)."""
    batch, k, d = centroids.shape
    scores = centroids.reshape(-1, d) @ X.T
    scores *= -2
    scores += np.einsum("ij,ij->i", centroids.reshape(-1, d), centroids.reshape(-1, d))[:, None]
    scores = scores.reshape(batch, k, len(X))
    nearest = scores[:, 0].copy()
    labels = _no_labels(batch, len(X), k)
    for c in range(1, k):
        np.putmask(labels, scores[:, c] < nearest, c)
        np.minimum(nearest, scores[:, c], out=nearest)
    return labels


def _no_labels(batch: int, n: int, k: int) -> np.ndarray:
    """Zeros (batch, n) of the smallest type that holds k labels: comparing them is what an iteration waits for."""
    return np.zeros((batch, n), dtype=np.int8 if k < 128 else np.int16)


def _means(X: np.ndarray, labels: np.ndarray, mask: np.ndarray | None, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Cluster means (batch, k, d), 0 for an empty cluster, and sizes (batch, k)."""
    means = np.empty((len(labels), k, X.shape[1]))
    sizes = np.empty((len(labels), k))
    for c in range(k):
        member = labels == c if mask is None else (labels == c) & mask
        sizes[:, c] = member.sum(axis=1)
        np.matmul(member.astype(np.float64), X, out=means[:, c])
    means /= np.maximum(sizes, 1)[:, :, None]
    return means, sizes


def _refill(X: np.ndarray, labels: np.ndarray, means: np.ndarray, sizes: np.ndarray, mask: np.ndarray | None) -> None:
    """Move each empty cluster of one restart to the sample farthest from its centroid, in place."""
    for c in np.flatnonzero(sizes == 0):
        distances = ((X - means[labels]) ** 2).sum(axis=1)
        if mask is not None:
            distances[~mask] = 0
        farthest = int(distances.argmax())
        old = labels[farthest]
        if distances[farthest] <= 0 or sizes[old] < 2:
            return
        means[old] = (means[old] * sizes[old] - X[farthest]) / (sizes[old] - 1)
        sizes[old] -= 1
        labels[farthest], means[c], sizes[c] = c, X[farthest], 1


def _inertias(X: np.ndarray, means: np.ndarray, sizes: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Sum of squared distances to the own mean: the total sum of squares less what the means explain."""
    squares = np.einsum("ij,ij->i", X, X)
    total = squares.sum() if mask is None else mask @ squares
    return np.maximum(total - np.einsum("rc,rcd,rcd->r", sizes, means, means), 0)


def refine(X: np.ndarray, labels: np.ndarray, k: int, masks: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Hartigan's exchanges: in each partition the sample whose move to another cluster lowers the inertia most moves.

    Lloyd's algorithm stops where every sample has the nearest centroid; as a sample pulls its own centroid towards it,
    a move can pay all the same, above all with many dimensions. Stops when no move pays, at the latest after 300 moves.

    Parameters
    ----------
    X : (n_samples, n_features), centred. labels : (batch, n_samples) 0..k-1. masks : as in `run_batches`.

    Returns
    -------
    labels (batch, n_samples) and inertias (batch,).

    References
    ----------
    J. A. Hartigan, M. A. Wong (1979), Algorithm AS 136: a k-means clustering algorithm, Applied Statistics 28, 100-108.
    """
    labels = labels.copy()
    squares = np.einsum("ij,ij->i", X, X)
    negligible = 1e-12 * squares.sum()
    active, inside = np.arange(len(labels)), masks
    means, sizes = _means(X, labels, masks, k)
    for _ in range(_MAX_ITERATIONS):
        own = labels[active].astype(np.intp)
        sample, target, gain = _best_move(X, squares, own, means, sizes, inside)
        pays = gain > negligible
        if not pays.any():
            break
        active, means, sizes, sample, target = (part[pays] for part in (active, means, sizes, sample, target))
        inside = None if inside is None else inside[pays]
        source = own[pays, sample]
        _move(means, sizes, source, -1, X[sample])
        _move(means, sizes, target, 1, X[sample])
        labels[active, sample] = target
    means, sizes = _means(X, labels, masks, k)
    if masks is not None:
        labels = np.where(masks, labels, _assign(X, means))
    return labels, _inertias(X, means, sizes, masks)


def _best_move(
    X: np.ndarray, squares: np.ndarray, own: np.ndarray, means: np.ndarray, sizes: np.ndarray, mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per partition the sample to move, its new cluster and by how much the inertia falls: (batch,) each."""
    batch, k, d = means.shape
    distances = (means.reshape(-1, d) @ X.T).reshape(batch, k, len(X))
    distances *= -2
    distances += np.einsum("rcd,rcd->rc", means, means)[:, :, None] + squares
    size = np.take_along_axis(sizes, own, axis=1)
    leaving = np.take_along_axis(distances, own[:, None], axis=1)[:, 0] * size / np.maximum(size - 1, 1)
    leaving[size < 2] = 0
    distances *= (sizes / (sizes + 1))[:, :, None]
    np.put_along_axis(distances, own[:, None], np.inf, axis=1)
    gain = leaving - distances.min(axis=1)
    if mask is not None:
        gain[~mask] = -np.inf
    sample = gain.argmax(axis=1)
    rows = np.arange(batch)
    return sample, distances[rows, :, sample].argmin(axis=1), gain[rows, sample]


def _move(means: np.ndarray, sizes: np.ndarray, cluster: np.ndarray, sign: int, points: np.ndarray) -> None:
    """Let a point per partition join (+1) or leave (-1) a cluster, in place."""
    rows = np.arange(len(cluster))
    size = sizes[rows, cluster]
    means[rows, cluster] = (means[rows, cluster] * size[:, None] + sign * points) / (size + sign)[:, None]
    sizes[rows, cluster] = size + sign

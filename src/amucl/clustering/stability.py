"""Do the clusters come back when the patients change? What each number of clusters is worth, beside what noise gives.

Every criterion is a function of its own; `stability_table` collects them for one method on one cohort. They need
distances only, so embeddings are rotated to principal coordinates first. Cohorts of more than `MAX_SAMPLES` are judged
on that many samples drawn at random, which bounds memory (a consensus matrix is then 32 MB) and time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.linalg import eigh, qr, svd
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import threadpool_limits

from amucl.clustering.external import ari_of_tables
from amucl.clustering.indices import finite_matrix, silhouette
from amucl.clustering.kmeans import kmeans_on_subsets
from amucl.errors import AmuclError
from amucl.labels import aligned, k_of, require_k_columns
from amucl.methods.blocks import principal_coordinates

MAX_SAMPLES = 2000
COLUMNS = [
    "dataset", "method", "k", "n", "min_cluster", "n_draws", "ari_mean", "ari_sd", "pac", "pac_null", "gap", "gap_se",
    "eigengap", "silhouette", "prediction_index", "prediction_sd", "status",
]  # fmt: skip

# Of 119 dimensions with 4 clusters that k-means finds, the mean ARI is .62 with 10 restarts and .78 with 30.
_N_RESTARTS = 30
# PAC on noise differs from one Gaussian sample to the next (SD .17 at k = 2), hardly with the draws (15 to 100: .02).
_N_NULLS, _NULL_DRAWS = 4, 25
_FEWER = 0.1


def stability_table(
    *,
    dataset: str,
    method: str,
    embedding: pd.DataFrame,
    labels: pd.DataFrame,
    affinity: np.ndarray | None = None,
    n_draws: int = 100,
    fraction: float = 0.8,
    seed: int = 0,
) -> pd.DataFrame:
    """Every criterion for every number of clusters of one method on one cohort.

    Parameters
    ----------
    dataset, method : written into every row.
    embedding : samples x dimensions.
    labels : the same samples x columns k2, k3, ...: the method's partitions, of which silhouette and min_cluster are.
    affinity : (n, n) in the order of `embedding`, for methods that cluster by normalised cuts: their ARI, PAC and
        eigengap come from it (no null is known for it); gap and prediction index from the embedding.
    n_draws, fraction : subsamples, and the share of the samples in each.
    seed : makes the table reproducible.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, a row per k and one for k = 1, that is no clusters, which has a gap and an eigengap only.
        NaN where undefined; status is `ok` or words joined by `; `: `one_cluster` (the row of k = 1),
        `too_few_samples` (a subsample, or for `too_few_samples_to_predict` half of the samples, is no larger than k),
        `only_<m>_different_samples`, `only_<m>_clusters` in the labels, `fewer_clusters_in_<m>_draws`,
        `on_2000_of_<n>_samples`. Where over a tenth of the draws came out with fewer than k clusters, ARI and PAC are
        NaN: they would be those of fewer clusters.

    Raises
    ------
    AmuclError
        If the tables do not hold the same samples, a value is missing or an affinity negative, or there are under 2
        draws.
    """
    require_k_columns(labels)
    ks = sorted(map(k_of, labels))
    aligned(embedding, labels, "the embedding")
    labels = labels.loc[embedding.index]
    X, H, kept, place = _judged(embedding, affinity, seed)
    n, n_places = len(labels), place.max() + 1
    subsets = subsamples(len(X), n_draws, fraction, seed=seed)
    possible = [k for k in ks if _is_possible(k, n_places, subsets)]
    partitions = _partitions(X, H, subsets, possible, seed)
    fewer = {k: n_with_fewer(found, subsets, k, place) for k, found in partitions.items()}

    table = pd.DataFrame(index=pd.Index([1, *ks], name="k"))
    table["n"], table["n_draws"] = n, n_draws
    table["min_cluster"] = [n, *(int(labels[f"k{k}"].value_counts().min()) for k in ks)]
    for k in possible:
        table.loc[k, "silhouette"] = silhouette(X, labels[f"k{k}"].to_numpy()[kept])
        if fewer[k] <= _FEWER * n_draws:
            table.loc[k, ["ari_mean", "ari_sd"]] = pairwise_ari(partitions[k], subsets)
            table.loc[k, "pac"] = pac(consensus(partitions[k], subsets))
    table["pac_null"] = np.nan if H is not None else pac_of_null(X, possible, fraction=fraction, seed=seed)
    table = table.join(gap_statistic(X, [1, *possible], seed=seed))
    table["eigengap"] = eigengap(self_tuned_affinity(X) if H is None else H, [1, *possible])
    table = table.join(prediction_index(X, [k for k in possible if k < len(X) // 2], seed=seed))
    table["status"] = [_status(k, table.loc[k], labels, n_places, fewer) for k in table.index]
    return table.reset_index().assign(dataset=dataset, method=method).reindex(columns=COLUMNS)


def consensus_of(
    embedding: pd.DataFrame,
    k: int,
    *,
    affinity: np.ndarray | None = None,
    n_draws: int = 100,
    fraction: float = 0.8,
    seed: int = 0,
) -> pd.DataFrame:
    """The consensus matrix behind the row of `k` in `stability_table`: samples x samples, at most `MAX_SAMPLES`.

    All NaN where that row has no PAC.
    """
    X, H, kept, place = _judged(embedding, affinity, seed)
    subsets = subsamples(len(X), n_draws, fraction, seed=seed)
    matrix = np.full((len(X), len(X)), np.nan)
    if _is_possible(k, place.max() + 1, subsets):
        found = _partitions(X, H, subsets, [k], seed)[k]
        if n_with_fewer(found, subsets, k, place) <= _FEWER * n_draws:
            matrix = consensus(found, subsets)
    samples = embedding.index[kept]
    return pd.DataFrame(matrix, index=samples, columns=samples)


def judged_samples(n: int, seed: int) -> np.ndarray:
    """Positions, ascending, of the samples that stability is judged on: all n, or `MAX_SAMPLES` drawn at random."""
    if n <= MAX_SAMPLES:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, MAX_SAMPLES, replace=False))


def subsamples(n: int, n_draws: int = 100, fraction: float = 0.8, *, seed: int) -> np.ndarray:
    """Draws of round(fraction * n) of n samples without replacement: (n_draws, n) bool."""
    if n_draws < 2 or not 0 < fraction <= 1:
        raise AmuclError(
            "no subsamples to compare", expected="2 draws or more, fraction in (0, 1]", got=f"{n_draws}, {fraction}"
        )
    rank = np.random.default_rng(seed).random((n_draws, n)).argsort(axis=1).argsort(axis=1)
    return rank < round(fraction * n)


def embedding_partitions(
    X: np.ndarray, subsets: np.ndarray, ks: Iterable[int], *, seed: int, n_restarts: int = _N_RESTARTS
) -> dict[int, np.ndarray]:
    """k-means of every subset (n_draws, n) of X (n, d): k -> labels (n_draws, n) from 0.

    Samples outside of a subset have the label of the nearest centroid.
    """
    return {k: kmeans_on_subsets(X, k, subsets, n_restarts=n_restarts, seed=seed) for k in ks}


def affinity_partitions(H: np.ndarray, subsets: np.ndarray, ks: Sequence[int]) -> dict[int, np.ndarray]:
    """Normalised cuts of the affinity within every subset: k -> labels (n_draws, n) from 0, -1 outside of the subset.

    As `amucl.methods.lowrank.affinity.normalized_cuts` does it, but a subset's eigenvectors are computed once for all
    k. A sample without affinity to the others of its subset gets the label of the largest cluster.
    """
    labels = {k: np.full(subsets.shape, -1, dtype=np.int16) for k in ks}
    if not labels:
        return labels
    with threadpool_limits(1):
        for draw, subset in enumerate(subsets):
            inside = np.flatnonzero(subset)
            similarity, root = _normalised(H[np.ix_(inside, inside)])
            linked = root > 0
            _, vectors = eigh(similarity, subset_by_index=[len(inside) - max(ks), len(inside) - 1])
            vectors = vectors[:, ::-1] / np.where(linked, root, np.inf)[:, None]
            for k in ks:
                found = _pivoted_clusters(vectors[:, :k])
                found[~linked] = np.bincount(found[linked], minlength=1).argmax()
                labels[k][draw, inside] = found
    return labels


def pac_of_null(X: np.ndarray, ks: Sequence[int], *, fraction: float, seed: int) -> pd.Series:
    """PAC where there are no clusters, by k: the mean over 4 samples of `unclustered`, 25 draws each."""
    values = []
    for null in np.random.default_rng(seed).integers(2**31, size=_N_NULLS):
        subsets = subsamples(len(X), _NULL_DRAWS, fraction, seed=null)
        partitions = embedding_partitions(unclustered(X, seed=null), subsets, ks, seed=null)
        values.append({k: pac(consensus(labels, subsets)) for k, labels in partitions.items()})
    return pd.DataFrame(values, columns=ks, dtype=float).mean()


def unclustered(X: np.ndarray, *, seed: int, shape: str = "normal") -> np.ndarray:
    """A sample without clusters, with the very covariance of X (n, d) in principal coordinates.

    One Gaussian [1] for `normal`, a box along the principal axes [2] for `uniform`, made orthonormal and scaled. Drawn
    with the variances of X but independently, the axes would be correlated by chance, with many dimensions so much
    that the sample has stronger leading axes, and so seems more clustered, than any X of these variances. Permuting
    the columns instead keeps their shapes: of two clusters the first principal coordinate has two peaks.

    References
    ----------
    [1] Y. Liu, D. N. Hayes, A. Nobel, J. S. Marron (2008), Statistical significance of clustering for high-dimension,
        low-sample size data, Journal of the American Statistical Association 103, 1281-1293.
    [2] Tibshirani, Walther & Hastie (2001), see `gap_statistic`.
    """
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=X.shape) if shape == "normal" else rng.uniform(-1, 1, X.shape)
    with threadpool_limits(1):
        return np.linalg.qr(Z - Z.mean(axis=0))[0] * np.linalg.norm(X, axis=0)


def consensus(labels: np.ndarray, subsets: np.ndarray) -> np.ndarray:
    """How often two samples were clustered together when both were drawn [1]: (n, n), NaN if they never were.

    Parameters
    ----------
    labels, subsets : (n_draws, n) labels from 0; which samples a draw held.

    References
    ----------
    [1] S. Monti, P. Tamayo, J. Mesirov, T. Golub (2003), Consensus clustering, Machine Learning 52, 91-118.
    """
    member = _members(labels, subsets).reshape(-1, labels.shape[1])
    drawn = subsets.astype(np.float32)
    together, both = member.T @ member, drawn.T @ drawn  # counts under 2^24: exact
    return np.divide(together, both, out=np.full(both.shape, np.nan), where=both > 0)


def pac(consensus: np.ndarray, low: float = 0.1, high: float = 0.9) -> float:
    """Proportion of ambiguously clustered pairs, in [0, 1]; lower is better.

    The share of pairs of samples whose consensus is above `low` and at most `high`: CDF(high) - CDF(low) [1].

    References
    ----------
    [1] Y. Șenbabaoğlu, G. Michailidis, J. Z. Li (2014), Critical limitations of consensus clustering in class
        discovery, Scientific Reports 4, 6207.
    """
    values = consensus[np.triu_indices(len(consensus), 1)]
    values = values[~np.isnan(values)]
    return float(((values > low) & (values <= high)).mean()) if values.size else np.nan


def n_with_fewer(labels: np.ndarray, subsets: np.ndarray, k: int, place: np.ndarray) -> int:
    """How many draws came out with fewer than k clusters, or hold fewer than k different samples.

    labels, subsets : (n_draws, n) as in `consensus`. place : (n,) codes from 0, the same for equal samples, which
    k-means tells apart by rounding where it has to.
    """
    n_clusters = _members(labels, subsets).any(axis=2).sum(axis=1)
    n_places = np.array([len(np.unique(place[subset])) for subset in subsets])
    return int(((n_clusters < k) | (n_places < k)).sum())


def pairwise_ari(labels: np.ndarray, subsets: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, over all pairs of draws, of the adjusted Rand index on the samples both hold.

    labels, subsets : (n_draws, n) labels from 0; which samples a draw held. Higher is better, at most 1.
    """
    member = _members(labels, subsets)
    values = np.concatenate([_rand_indices(one, member[a + 1 :]) for a, one in enumerate(member[:-1])])
    return float(values.mean()), float(values.std())


def prediction_index(X: np.ndarray, ks: Iterable[int], *, n_repeats: int = 10, seed: int) -> pd.DataFrame:
    """How well one half of the samples predicts the clusters of the other.

    The samples are split at random; each half is clustered, and the other half assigned to its centroids; the adjusted
    Rand index compares these with the other half's own clusters: the cluster prediction index [1], with halves as in
    prediction strength [2]. Mean and standard deviation over 2 n_repeats halves, columns prediction_index and
    prediction_sd, by k; higher is better, at most 1.

    References
    ----------
    [1] P. Chalise, B. L. Fridley (2017), Integrative clustering of multi-level omic data based on non-negative matrix
        factorization algorithm, PLoS ONE 12(5), e0176278.
    [2] R. Tibshirani, G. Walther (2005), Cluster validation by prediction strength, Journal of Computational and
        Graphical Statistics 14, 511-528.
    """
    halves = subsamples(len(X), n_repeats, 0.5, seed=seed)
    rows = {}
    for k in ks:
        labels = kmeans_on_subsets(X, k, np.vstack([halves, ~halves]), n_restarts=_N_RESTARTS, seed=seed)
        one, other = labels[:n_repeats], labels[n_repeats:]
        tested = np.vstack([~halves, halves])
        first, second = _members(np.vstack([one, one]), tested), _members(np.vstack([other, other]), tested)
        values = np.concatenate([_rand_indices(a, b[None]) for a, b in zip(first, second, strict=True)])
        rows[k] = (values.mean(), values.std())
    return pd.DataFrame.from_dict(rows, orient="index", columns=["prediction_index", "prediction_sd"], dtype=float)


def gap_statistic(X: np.ndarray, ks: Iterable[int], *, n_references: int = 20, seed: int) -> pd.DataFrame:
    """Gap statistic [1] with references uniform along X's principal axes: columns gap, gap_se by k.

    gap(k) = mean of log W*(k) over the references - log W(k), W the within-cluster sum of squares; gap_se = SD of
    log W* x sqrt(1 + 1 / n_references). The references have the covariance of X (`unclustered`), so gap(1) = 0. See
    `gap_choice`. NaN where the clusters are points.

    References
    ----------
    [1] R. Tibshirani, G. Walther, T. Hastie (2001), Estimating the number of clusters in a data set via the gap
        statistic, Journal of the Royal Statistical Society B 63(2), 411-423.
    """
    ks = list(ks)
    X = principal_coordinates(X)
    seeds = np.random.default_rng(seed).integers(2**31, size=n_references)
    observed = _log_inertias(X, ks, seed)
    references = np.array([_log_inertias(unclustered(X, seed=s, shape="uniform"), ks, seed) for s in seeds])
    spread = references.std(axis=0) * np.sqrt(1 + 1 / n_references)
    table = pd.DataFrame({"gap": references.mean(axis=0) - observed, "gap_se": spread}, index=ks)
    return table.where(table["gap"].notna())


def gap_choice(gaps: pd.DataFrame) -> int | None:
    """The number of clusters by the gap statistic, 1 for no clusters; None without any gap.

    The smallest k whose gap is within one gap_se of the largest [1]; unlike the first k that the next does not exceed,
    it does not stop at 1 where two clusters are no better than one but three are. 1 unless the largest exceeds its gap
    by two gap_se: of several gaps one often does by more than one.

    gaps : `gap_statistic`'s table.

    References
    ----------
    [1] S. Dudoit, J. Fridlyand (2002), A prediction-based resampling method for estimating the number of clusters in a
        dataset, Genome Biology 3, research0036.
    """
    gaps = gaps.dropna(subset=["gap"]).sort_index()
    if gaps.empty:
        return None
    best = gaps.loc[gaps["gap"].idxmax()]
    if best["gap"] - gaps["gap"].get(1, -np.inf) <= 2 * best["gap_se"]:
        return 1
    return int(gaps.index[gaps["gap"] >= best["gap"] - best["gap_se"]][0])


def self_tuned_affinity(X: np.ndarray, neighbour: int = 7) -> np.ndarray:
    """exp(-d_ij^2 / (s_i s_j)), s_i the distance of sample i to its 7th neighbour [1]: (n, n), 0 on the diagonal.

    References
    ----------
    [1] L. Zelnik-Manor, P. Perona (2004), Self-tuning spectral clustering, NIPS 17.
    """
    distances = squareform(pdist(X))
    neighbour = min(neighbour, len(X) - 1)
    scale = np.maximum(np.partition(distances, neighbour, axis=1)[:, neighbour], np.finfo(float).tiny ** 0.25)
    H = np.exp(-(distances**2) / np.outer(scale, scale))
    np.fill_diagonal(H, 0)
    return H


def eigengap(H: np.ndarray, ks: Iterable[int]) -> pd.Series:
    """lambda_{k+1} - lambda_k of the normalised Laplacian of an affinity (n, n), by k; a large one speaks for k.

    Eigenvalues ascend from lambda_1 = 0, and there are as many zeros as separate pieces [1]. NaN for k >= n.

    References
    ----------
    [1] U. von Luxburg (2007), A tutorial on spectral clustering, Statistics and Computing 17, 395-416.
    """
    ks, n = list(ks), len(H)
    wanted = min(max(ks) + 1, n)
    with threadpool_limits(1):
        values = eigh(_normalised(H)[0], subset_by_index=[n - wanted, n - 1], eigvals_only=True)
    gaps = -np.diff(values[::-1])  # lambda = 1 - value
    return pd.Series({k: gaps[k - 1] if k <= len(gaps) else np.nan for k in ks}, name="eigengap")


def _normalised(H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """D^(-1/2) H D^(-1/2) without self-loops, and the roots (n,) of the degrees."""
    links = H - np.diag(np.diag(H))
    root = np.sqrt(links.sum(axis=1))
    scale = np.divide(1, root, out=np.zeros_like(root), where=root > 0)
    return scale[:, None] * links * scale, root


def _pivoted_clusters(vectors: np.ndarray) -> np.ndarray:
    """Labels from eigenvectors (n, k) by pivoted QR (Damle, Minden & Ying 2019)."""
    k = vectors.shape[1]
    pivots = qr(vectors.T, mode="r", pivoting=True)[1][:k]
    left, _, right = svd(vectors[pivots].T)
    return np.abs(vectors @ (left @ right)).argmax(axis=1)


def _members(labels: np.ndarray, subsets: np.ndarray) -> np.ndarray:
    """1 where a sample of the draw is in the cluster: (n_draws, k, n) float32."""
    clusters = np.arange(labels.max(initial=0) + 1)
    return ((labels[:, None] == clusters[:, None]) & subsets[:, None]).astype(np.float32)


def _rand_indices(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Adjusted Rand indices of a partition (k, n) with others (m, k, n), on the samples in both: (m,)."""
    return ari_of_tables((others @ one.T).astype(np.float64))


def _log_inertias(X: np.ndarray, ks: Iterable[int], seed: int) -> np.ndarray:
    """log of the least within-cluster sum of squares per k; NaN where it is but rounding."""
    X = X - X.mean(axis=0)
    total = (X**2).sum()
    everyone = np.ones((1, len(X)), dtype=bool)
    least = [
        total if k == 1 else _inertia(X, kmeans_on_subsets(X, k, everyone, n_restarts=_N_RESTARTS, seed=seed)[0])
        for k in ks
    ]
    return np.array([np.log(value) if value > 1e-12 * total else np.nan for value in least])


def _inertia(X: np.ndarray, labels: np.ndarray) -> float:
    return sum(((X[labels == c] - X[labels == c].mean(axis=0)) ** 2).sum() for c in np.unique(labels))


def _judged(
    embedding: pd.DataFrame, affinity: np.ndarray | None, seed: int
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    """What is judged: principal coordinates, affinity, positions of the samples, codes that equal samples share."""
    X = finite_matrix(embedding, "the embedding")
    H = None if affinity is None else _checked_affinity(affinity, len(X))
    kept = judged_samples(len(X), seed)
    _, first, place = np.unique(X[kept], axis=0, return_index=True, return_inverse=True)
    place = place.ravel()
    coordinates = principal_coordinates(X[kept])[first[place]]  # equal samples stay so: a rotation rounds
    return coordinates, None if H is None else H[np.ix_(kept, kept)], kept, place


def _is_possible(k: int, n_places: int, subsets: np.ndarray) -> bool:
    return k <= n_places and k < subsets[0].sum()


def _partitions(
    X: np.ndarray, H: np.ndarray | None, subsets: np.ndarray, ks: Sequence[int], seed: int
) -> dict[int, np.ndarray]:
    if H is None:
        return embedding_partitions(X, subsets, ks, seed=seed)
    return affinity_partitions(H, subsets, ks)


def _checked_affinity(affinity: np.ndarray, n: int) -> np.ndarray:
    if affinity.shape != (n, n):
        raise AmuclError("the affinity is of other samples", expected=f"shape {(n, n)}", got=affinity.shape)
    wrong = np.argwhere(~(np.isfinite(affinity) & (affinity >= 0)))
    if len(wrong):
        place = tuple(wrong[0])
        raise AmuclError(
            "an affinity is missing or negative",
            where=f"row {place[0]}, column {place[1]} (from 0)",
            expected="a finite number, 0 or more",
            got=affinity[place],
        )
    return affinity


def _status(k: int, row: pd.Series, labels: pd.DataFrame, n_places: int, fewer: dict[int, int]) -> str:
    n = len(labels)
    n_clusters = labels[f"k{k}"].nunique() if k > 1 else 1
    words = {
        "one_cluster": k == 1,
        f"only_{n_places}_different_samples": k > n_places,
        "too_few_samples": 1 < k <= n_places and k not in fewer,
        "too_few_samples_to_predict": k in fewer and np.isnan(row["prediction_index"]),
        f"only_{n_clusters}_clusters": n_clusters < k,
        f"fewer_clusters_in_{fewer.get(k)}_draws": fewer.get(k, 0) > 0,
        f"on_{MAX_SAMPLES}_of_{n}_samples": n > MAX_SAMPLES,
    }
    return "; ".join(word for word, applies in words.items() if applies) or "ok"

"""Drawing InterSIM cohorts: methylation, expression and protein that depend on one another, with planted clusters.

Chalise, Raghavan, Fridley: InterSIM: simulation tool for multiple integrative 'omic datasets, Computer Methods and
Programs in Biomedicine 128 (2016), 69-74. Written from the model's description; `reference` beside it reads the
means and covariances, estimated from ovarian cancers of TCGA, that it starts from.

In cluster c a CpG j is differential with probability p: D_cj ~ Bernoulli(p). A gene is differential in c if one of its
CpGs is, a protein if its gene is. Every omic of a sample of c is drawn from N(mean + delta * D_c, covariance);
methylation is drawn on the scale of M values (natural logarithm) and returned as levels 1 / (1 + exp(-M)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.errors import AmuclError

OMICS = ("methylation", "expression", "protein")
# The R objects that hold the parameters, each in a file of its own.
OBJECTS = (
    *("mean.M", "cov.M", "mean.expr", "cov.expr", "mean.protein", "cov.protein"),
    *("methyl.gene.level.mean", "rho.methyl.expr", "mean.expr.with.mapped.protein", "rho.expr.protein"),
    *("CpG.gene.map.for.DEG", "protein.gene.map.for.DEP"),
)


@dataclass(frozen=True)
class Reference:
    """What InterSIM draws from.

    means, covariances : omic -> mean of its p features, Series by name; their covariance (p x p). Methylation in M
    values. gene_of : methylation and protein -> gene of each feature, Series by its name.
    """

    means: dict[str, pd.Series]
    covariances: dict[str, np.ndarray]
    gene_of: dict[str, pd.Series]


@dataclass(frozen=True)
class Draw:
    """One drawn cohort.

    omics : omic -> samples x features; methylation as levels between 0 and 1. clusters : sample -> 1, 2, ...
    planted : omic -> features x clusters, whether the feature is differential in the cluster.
    """

    omics: dict[str, pd.DataFrame]
    clusters: pd.Series
    planted: dict[str, pd.DataFrame]


def draw_intersim(
    reference: Reference,
    *,
    rng: np.random.Generator,
    n_samples: int = 160,
    n_clusters: int = 5,
    proportions: str | Sequence[float] = "equal",
    delta: float | Mapping[str, float] = 0.5,
    p_dmp: float = 0.2,
) -> Draw:
    """Draw a cohort.

    Parameters
    ----------
    n_samples, n_clusters, proportions : samples, clusters and their sizes, see `cluster_sizes`; samples are shuffled.
    delta : shift of a differential feature, of all omics or by omic, in units of the omic (M values for methylation).
    p_dmp : probability that a CpG is differential in a cluster.

    Raises AmuclError if a cluster would have fewer than 2 samples.
    """
    sizes = cluster_sizes(n_samples, n_clusters, proportions)
    labels = rng.permutation(np.repeat(np.arange(n_clusters), sizes))
    samples = pd.Index([f"subject{number}" for number in range(1, n_samples + 1)], name="sample")
    planted = _plant(reference, n_clusters, p_dmp, rng)
    omics = {}
    for omic in OMICS:
        mean, p = reference.means[omic], len(reference.means[omic])
        shift = (delta[omic] if isinstance(delta, Mapping) else delta) * planted[omic].to_numpy(np.float64).T
        noise = rng.standard_normal((n_samples, p)) @ np.linalg.cholesky(reference.covariances[omic]).T
        values = mean.to_numpy() + shift[labels] + noise
        omics[omic] = pd.DataFrame(
            1 / (1 + np.exp(-values)) if omic == "methylation" else values, samples, list(mean.index)
        )
    return Draw(omics, pd.Series(labels + 1, samples, name="cluster"), planted)


def cluster_sizes(n_samples: int, n_clusters: int, proportions: str | Sequence[float]) -> np.ndarray:
    """Sizes of the clusters; what the shares leave over goes to the largest remainders.

    `proportions` is ``equal``, ``heterogeneous`` (1 : 2 : ... : n_clusters, close to the sizes of the published
    heterogeneous settings) or one positive share per cluster. Raises AmuclError where one would have fewer than 2.
    """
    named = {"equal": np.ones(n_clusters), "heterogeneous": np.arange(1.0, n_clusters + 1)}
    shares = named[proportions] if isinstance(proportions, str) else np.asarray(proportions, dtype=np.float64)
    if len(shares) != n_clusters:
        raise AmuclError("one share per cluster", where="`proportions`", expected=n_clusters, got=len(shares))
    exact = shares / shares.sum() * n_samples
    sizes = np.floor(exact).astype(int)
    sizes[np.argsort(sizes - exact, kind="stable")[: n_samples - sizes.sum()]] += 1
    if sizes.min() < 2:
        raise AmuclError(
            f"cluster {sizes.argmin() + 1} of {n_clusters} is too small",
            where="`n_samples`, `n_clusters` and `proportions`",
            expected="2 samples or more",
            got=sizes.min(),
        )
    return sizes


def _plant(reference: Reference, n_clusters: int, p_dmp: float, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    features = {omic: list(reference.means[omic].index) for omic in OMICS}
    clusters = range(1, n_clusters + 1)
    sites = pd.DataFrame(
        rng.random((len(features["methylation"]), n_clusters)) < p_dmp, features["methylation"], clusters
    )
    genes = sites.groupby(reference.gene_of["methylation"].loc[sites.index].to_numpy()).any()
    genes = genes.reindex(features["expression"], fill_value=False)
    proteins = genes.loc[reference.gene_of["protein"].loc[features["protein"]]].set_axis(features["protein"])
    return {"methylation": sites, "expression": genes, "protein": proteins}

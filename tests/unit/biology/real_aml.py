"""AML of the mirror with subtypes by k-means on principal components: real labels without a training."""

from functools import cache

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from amucl.biology.gene_names import name_genes, read_gene_names
from amucl.cohort.preparation.depth import DepthScaling
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.labels import canonical_labels
from tests.shared import MIRROR, SHARED


@cache
def aml_expression() -> pd.DataFrame:
    """Patients x genes, log2(RSEM + 1), genes that vary; ids such as TCGA-AB-2803."""
    archive = MIRROR / "benchmark" / "aml.zip"
    raw = read_benchmark(archive, cancer="aml", omics=["expression"])
    table = np.log2(raw.omics["expression"] + 1)
    return table.loc[:, table.max() > table.min()]


@cache
def aml_counts() -> pd.DataFrame:
    """Twenty raw-count profiles as log2 counts per million: patients (TCGA-AB-2803) x symbols."""
    folder = SHARED / "labels" / "laml_counts20"
    counts = pd.read_csv(folder / "exampleTCGA.tsv.gz", sep="\t", index_col=0).T
    logged = DepthScaling.fit(counts).transform(counts)
    logged = name_genes(logged, read_gene_names(folder / "grch38.tsv.gz", logged.columns))
    return logged.set_axis([sample[:12].replace(".", "-") for sample in logged.index])


def kmeans_subtypes(expression: pd.DataFrame, k: int, seed: int = 0) -> pd.Series:
    z = (expression - expression.mean()) / expression.std()
    embedding = PCA(10, random_state=seed).fit_transform(z)
    found = KMeans(k, n_init=20, random_state=seed).fit_predict(embedding)
    return pd.Series(canonical_labels(found), index=expression.index)

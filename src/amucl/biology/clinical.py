"""Do the subtypes differ in what the clinic knows of the patients?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from amucl.biology.correction import ALPHA, benjamini_hochberg, bonferroni
from amucl.biology.permutation import first_batch, permutation_p
from amucl.cohort.clinical import names as clinical_names
from amucl.cohort.clinical.columns import best_column
from amucl.cohort.clinical.names import BENCHMARK_LABELS
from amucl.cohort.clinical.values import ages
from amucl.labels import k_of

CLINICAL_COLUMNS = [
    "dataset", "method", "k", "label", "column", "test", "n", "n_levels", "statistic", "p_asymptotic", "p_permutation",
    "n_permutations", "padj_bonferroni", "padj_bh", "status", "kind",
]  # fmt: skip
ENRICHMENT_COLUMNS = [
    "dataset", "method", "k", "n_labels", "n_enriched", "n_enriched_bh",
    "n_benchmark_labels", "n_enriched_benchmark", "n_enriched_asymptotic",
]  # fmt: skip

# The labels of Rappoport & Shamir (2018); by which columns they go, resources/clinical_columns.yaml says. The
# clinical_stage of ovarian cancer is none of them and would make counts incomparable: ask for it by name.
LABELS = BENCHMARK_LABELS

_UNKNOWN = (
    "", "na", "n/a", "nan", "null", "--", "unknown", "missing", "discrepancy", "not available", "not evaluated",
    "not applicable", "not reported", "not recorded", "not assessed", "not done", "not tested", "not determined",
    "n.a.", "n.d.", "n.d", "unk", "-", "?",
)  # fmt: skip
_MAX_LEVELS = 10  # a column asked for by name with more distinct numbers is a measurement, with fewer a code
_CELLS = 4_000_000  # permuted values held at a time


@dataclass(frozen=True)
class GroupTest:
    """A test of clusters against one label, and the same statistic for permuted clusters.

    Attributes
    ----------
    name : ``chi-squared`` or ``kruskal-wallis``.
    statistic, df : of the data; chi-squared distributed with `df` degrees of freedom when samples are many.
    n_levels : distinct values of the label.
    permuted : given m and a Generator, the statistics of m random permutations (m,).
    size : values held per permutation.
    """

    name: str
    statistic: float
    df: int
    n_levels: int
    permuted: Callable[[int, np.random.Generator], np.ndarray]
    size: int

    @property
    def p_asymptotic(self) -> float:
        """Probability of `statistic` or more when clusters and label are independent and samples many."""
        return float(stats.chi2.sf(self.statistic, self.df))


def find_labels(clinical: pd.DataFrame, extra: Sequence[str] = ()) -> dict[str, str]:
    """The labels to test in a clinical table: name -> column; those of `LABELS` that are there, by any of their names.

    Parameters
    ----------
    clinical : samples x columns.
    extra : further columns, each a label of its own name.

    Raises
    ------
    AmuclError if a column of `extra` is absent.
    """
    found = {label: column for label in LABELS if (column := best_column(label, clinical)) is not None}
    for name in extra:
        require_column(clinical, name, key="clinical_labels")
        if name not in found.values():
            found[name] = name
    return found


def require_column(clinical: pd.DataFrame, name: str, *, key: str) -> None:
    """Raise AmuclError, with names like it, if a column that the config names under `key` is not in the table."""
    clinical_names.require_column(clinical.columns, name, key=key)


def known_values(cells: pd.Series) -> pd.Series:
    """The cells that tell something: without missing ones and words such as ``[Not Available]`` or ``not reported``.

    ``MX``, ``NX``, ``TX`` and ``Stage X`` (could not be assessed) stay, as in the benchmark.
    """
    words = cells.astype(str).str.strip().str.removeprefix("[").str.removesuffix("]").str.casefold()
    return cells[cells.notna() & ~words.isin(_UNKNOWN)]


def chi_squared(levels: np.ndarray, clusters: np.ndarray) -> GroupTest:
    """Pearson's chi-squared test, without continuity correction, of levels (n,) against clusters (n,).

    A permutation of the samples leaves the margins of the contingency table, so permuted tables are drawn as tables of
    given margins (Patefield, Applied Statistics 30:91, 1981): the same distribution, at a cost without n.
    """
    places = (pd.factorize(levels)[0], pd.factorize(clusters)[0])
    observed = np.zeros([codes.max() + 1 for codes in places], dtype=np.int64)
    np.add.at(observed, places, 1)
    n, rows, columns = observed.sum(), observed.sum(axis=1), observed.sum(axis=0)
    weights = n / np.outer(rows, columns)
    tables = stats.random_table(rows, columns)

    def statistic(counts: np.ndarray) -> np.ndarray:
        return np.einsum("...ij,...ij,ij->...", counts, counts, weights) - n

    def permuted(m: int, rng: np.random.Generator) -> np.ndarray:
        return statistic(tables.rvs(m, method="patefield", random_state=rng).reshape(m, *observed.shape))

    df = (len(rows) - 1) * (len(columns) - 1)
    return GroupTest("chi-squared", float(statistic(observed)), df, len(rows), permuted, observed.size)


def kruskal_wallis(values: np.ndarray, clusters: np.ndarray) -> GroupTest:
    """Kruskal-Wallis test, corrected for ties, of numbers (n,) in clusters (n,). Permuted are the ranks."""
    n = len(values)
    order = np.argsort(clusters, kind="stable")
    starts, sizes = np.unique(clusters[order], return_index=True, return_counts=True)[1:]
    ranks = stats.rankdata(values)[order] - (n + 1) / 2
    tied = np.unique(values, return_counts=True)[1].astype(float)
    scale = 12 / (n * (n + 1)) / (1 - (tied**3 - tied).sum() / (n**3 - n))

    def statistic(rows: np.ndarray) -> np.ndarray:
        return scale * (np.add.reduceat(rows, starts, axis=1) ** 2 / sizes).sum(axis=1)

    def permuted(m: int, rng: np.random.Generator) -> np.ndarray:
        return statistic(rng.permuted(np.tile(ranks, (m, 1)), axis=1))

    return GroupTest("kruskal-wallis", float(statistic(ranks[None])[0]), len(sizes) - 1, len(tied), permuted, n)


def clinical_over_k(
    dataset: str,
    method: str,
    clinical: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    columns: dict[str, str],
    seed: int,
    max_permutations: int = 100_000,
    technical: bool = False,
) -> pd.DataFrame:
    """Test every clinical label against the clusters of every k, as the TCGA benchmark does.

    Age, and a label that is none of `LABELS` and has more than 10 distinct values, all numbers, are compared by
    Kruskal-Wallis; the others are categories, compared by Pearson's chi-squared. A label is left out where fewer than
    half of the samples have it or all have the same. The asymptotic p-value is too small where clusters or levels are:
    prefer that of permutations (see `permutation_p`).

    Parameters
    ----------
    clinical : samples x columns; a sample without a row is unknown. columns : label -> column (see `find_labels`).
    labels : samples x (k2, k3, ...), the clusters.
    technical : the columns tell of the measurement, not of the patient: all are numbers, however few, and the kind of
        their rows is ``technical``.
    seed : every test starts from it, so that its p-value does not depend on which other labels and k are tested.

    Returns
    -------
    One row per k and label, columns `CLINICAL_COLUMNS`: n (samples with a value), n_levels (its distinct values), the
    test, its p-values, those of permutations corrected over the labels tested at that k (Bonferroni;
    Benjamini-Hochberg), the kind (``clinical``), and status: ``ok``, or with nothing tested ``known for under half``,
    ``one level`` or ``one cluster``.

    References
    ----------
    Rappoport, N. & Shamir, R. (2018). Multi-omic and multi-view clustering algorithms. Nucleic Acids Research 46:10546.
    """
    values_of = _numbers if technical else label_values
    known = {label: values_of(label, clinical[column].reindex(labels.index)) for label, column in columns.items()}
    rows = [
        {
            "dataset": dataset,
            "method": method,
            "k": k_of(name),
            "label": label,
            "column": columns[label],
            "kind": "technical" if technical else "clinical",
        }
        | _compare(values, clusters, np.random.default_rng(seed), max_permutations)
        for name, clusters in labels.items()
        for label, values in known.items()
    ]
    table = pd.DataFrame(rows, columns=CLINICAL_COLUMNS)
    p = table["p_permutation"].astype(float).groupby(table["k"])
    return table.assign(padj_bonferroni=p.transform(bonferroni), padj_bh=p.transform(benjamini_hochberg))


def enrichment_table(clinical_table: pd.DataFrame) -> pd.DataFrame:
    """Number of clinical labels that differ between the clusters, per dataset, method and k of `clinical_over_k`.

    Returns
    -------
    Columns `ENRICHMENT_COLUMNS`: n_labels tested, of which p <= .05

    - n_enriched: by permutation, Bonferroni corrected for the labels tested;
    - n_enriched_bh: by permutation, Benjamini-Hochberg corrected.

    Of the benchmark's own labels (`LABELS`) alone, to stand beside published tables: n_benchmark_labels tested, of
    which

    - n_enriched_benchmark: by permutation, Bonferroni corrected for them, as Rappoport & Shamir (2018) count;
    - n_enriched_asymptotic: asymptotic and uncorrected (p < .05), as tables of later methods mostly count (Subtype-GAN,
      Subtype-DCC).
    """
    keys = ["dataset", "method", "k"]
    of_benchmark = clinical_table["label"].isin(LABELS)
    p_benchmark = clinical_table["p_permutation"].where(of_benchmark).astype(float)
    corrected = p_benchmark.groupby([clinical_table[key] for key in keys]).transform(bonferroni)
    counted = clinical_table[keys].assign(
        n_labels=clinical_table["status"] == "ok",
        n_enriched=clinical_table["padj_bonferroni"] <= ALPHA,
        n_enriched_bh=clinical_table["padj_bh"] <= ALPHA,
        n_benchmark_labels=of_benchmark & (clinical_table["status"] == "ok"),
        n_enriched_benchmark=corrected <= ALPHA,
        n_enriched_asymptotic=of_benchmark & (clinical_table["p_asymptotic"] < ALPHA),
    )
    return counted.groupby(keys, sort=False).sum().reset_index()[ENRICHMENT_COLUMNS]


def label_values(label: str, cells: pd.Series) -> pd.Series:
    """The known values (`known_values`) of a label: float where they are measured, str where they are categories."""
    known = known_values(cells)
    if label == "age" and (years := ages(known.rename(cells.name)).dropna()).any():
        return years
    numbers = pd.to_numeric(known, errors="coerce")
    measured = label not in LABELS and numbers.notna().all() and numbers.nunique() > _MAX_LEVELS
    return numbers if measured else known.astype(str).str.strip()


def _numbers(_label: str, cells: pd.Series) -> pd.Series:
    return cells.dropna().astype(float)


def _compare(values: pd.Series, clusters: pd.Series, rng: np.random.Generator, max_permutations: int) -> dict:
    tested = clusters[values.index].to_numpy()
    size = {"n": len(values), "n_levels": values.nunique()}
    if 2 * len(values) < len(clusters):
        return size | {"status": "known for under half"}
    if size["n_levels"] < 2:
        return size | {"status": "one level"}
    if len(np.unique(tested)) < 2:
        return size | {"status": "one cluster"}
    compare = kruskal_wallis if pd.api.types.is_numeric_dtype(values) else chi_squared
    test = compare(values.to_numpy(), tested)
    found = permutation_p(
        lambda m: test.permuted(m, rng),
        test.statistic,
        first=first_batch(test.p_asymptotic),
        max_permutations=max_permutations,
        chunk=max(1, _CELLS // test.size),
    )
    return size | {
        "test": test.name,
        "statistic": test.statistic,
        "p_asymptotic": test.p_asymptotic,
        "p_permutation": found.p,
        "n_permutations": found.n,
        "status": "ok",
    }

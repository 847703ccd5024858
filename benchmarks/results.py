"""The tables of a run as a page: `python -m benchmarks.results results/comparison/summary.tsv mine.yaml`."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from amucl.comparison.standings import TIME, times
from amucl.figures.metrics import direction, panel_title
from amucl.files import read_table

HEAD = """# Results

Every method of the pipeline and every embedding that Leng et al. (Genome Biology 23 (2022), 171) published, judged
alike, at each dataset's reference k: columns of `results/comparison/summary.tsv` after

```sh
snakemake --cores all --configfile {configuration}
PYTHONPATH=src:. python -m benchmarks.results results/comparison/summary.tsv > docs/results.md
```

- *own* space: the method's; *common*: 20 principal components of the z-scored input, the same for all. Silhouette and
  ARI: higher is better; C-index: lower is better.
- \\*: the method's own space shows clusters that the data do not confirm, or another doubt of the collapse guard; judge
  it by the common space and by known labels.
- *n*: patients judged. Published embeddings cover other patients than ours, and where they do not hold ours, fewer.
- *log-rank*: -log10 P by permutation (asymptotic in brackets); 5.00 is none of 100,000 permutations as extreme.
- *labels*: clinical labels of Rappoport and Shamir's benchmark that differ between the subtypes, by permutation with
  Bonferroni's correction, of those known (uncorrected and asymptotic in brackets, as later tables count).
- It names these datasets, `mirror`, `peers`, `biology: []`. Without a reference k the first is shown.
- Where it has fewer omics than the rivals used (liver: `omics: [mirna]`), the common space is that of the omics it has:
  doubts about rivals there say only that miRNA does not show their clusters.
- First come all methods by all datasets, index by index: *rank* is the mean rank among the methods that ran here (in
  brackets with the published ones), over the datasets in which a method has a value. Seconds are of the job that fits,
  as Snakemake measured it, imports included.
- Of the 206 single cells (singlecell) only the embeddings are public here, so there is no common space.
"""


def number(value: float, digits: int = 2) -> str:
    """A number for people, or a dash."""
    return "-" if pd.isna(value) else f"{value:.{digits}f}".replace("-0.00", "0.00")


def by_index(table: pd.DataFrame, seconds: pd.DataFrame) -> list[str]:
    """Methods by datasets: a page for each index and for the seconds.

    table : as `amucl.comparison.standings.standings` gives it; seconds : dataset method seconds.
    """
    datasets = list(table.columns[3 : list(table.columns).index("mean")])
    took = times(seconds, datasets=list(dict.fromkeys(seconds["dataset"])))
    pages = []
    for (metric, space), rows in pd.concat([table, took]).groupby(["metric", "space"], sort=False, dropna=False):
        timed = metric == TIME[0]
        digits = 0 if timed else 3 if metric == "c_index" else 2
        shown = rows[["method", *datasets]].dropna(axis=1, how="all").set_index("method")
        shown = shown.map(lambda value, digits=digits: number(value, digits))
        ranks = [
            f"{number(own, 1)} ({number(both, 1)})" for own, both in rows[["mean_rank", "mean_rank_all"]].to_numpy()
        ]
        title = "Seconds" if timed else f"{panel_title(metric, space)}: {direction(metric)}"
        page = shown.assign(rank=ranks).reset_index().to_markdown(index=False, disable_numparse=True)
        pages.append(f"## {title}\n\n{page}\n")
    return pages


def known_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that speak where clusters are known."""
    return pd.DataFrame(
        {
            "method": rows["method"] + rows["mark"],
            "ARI": rows["ari"].map(number),
            "NMI": rows["nmi"].map(number),
            "silhouette own": rows["silhouette_own"].map(number),
            "common": rows["silhouette_common"].map(number),
            "C-index own": rows["c_index_own"].map(lambda value: number(value, 3)),
            "C common": rows["c_index_common"].map(lambda value: number(value, 3)),
            "suggested k": rows["suggested_k"].map(lambda value: number(value, 0)),
        }
    )


def patients(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that speak of a cancer."""
    counts = rows[["n_enriched_benchmark", "n_benchmark_labels", "n_enriched_asymptotic"]].fillna(0).astype(int)
    labels = counts.apply(lambda row: f"{row.iloc[0]} of {row.iloc[1]} ({row.iloc[2]})", axis=1)
    p = rows["minus_log10_p"].map(number) + " (" + rows["minus_log10_p_asymptotic"].map(number) + ")"
    return pd.DataFrame(
        {
            "method": rows["method"] + rows["mark"],
            "n": rows["n"].astype(int),
            "silhouette own": rows["silhouette_own"].map(number),
            "common": rows["silhouette_common"].map(number),
            "C-index own": rows["c_index_own"].map(lambda value: number(value, 3)),
            "C common": rows["c_index_common"].map(lambda value: number(value, 3)),
            "log-rank": p,
            "labels": labels,
            "suggested k": rows["suggested_k"].map(lambda value: number(value, 0)),
        }
    )


def main() -> None:
    """Print the page."""
    summary = read_table(sys.argv[1])
    doubted = summary["warning"].fillna("").str.contains("collapsed|unconfirmed|chance|duplicates|line")
    summary = summary.assign(mark=doubted.map({True: " *", False: ""}))
    print(HEAD.format(configuration=" ".join(sys.argv[2:]) or "mine.yaml"))
    print(
        "\n".join(
            by_index(*(read_table(Path(sys.argv[1]).with_name(f"{name}.tsv")) for name in ("methods", "seconds")))
        )
    )
    for dataset, rows in summary.groupby("dataset", sort=False):
        table = known_labels(rows) if rows["ari"].notna().any() else patients(rows)
        print(f"## {dataset}, k = {rows['k'].iloc[0]}\n\n{table.to_markdown(index=False)}\n")


if __name__ == "__main__":
    main()

"""Agreement with limma, clusterProfiler's rules and fgsea: `python -m benchmarks.agreement --data ../shared/data`.

The data: 9,020 genes of 24 AML and 24 ALL samples (log2 of at least 20), the 50 hallmark sets; AML against ALL.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

N_TIMED = 5  # runs of limma and of ours, of which the quickest counts


def relative(ours: pd.Series, theirs: pd.Series) -> float:
    """The largest difference of any gene or set, relative to the oracle's value."""
    return float((np.abs(ours - theirs) / np.abs(theirs)).max())


def limma_rows() -> list[dict]:
    """Every column of limma's table for 8,905 genes; the seconds of limma itself where R has it."""
    from amucl.biology.differential import subtype_markers
    from tests.unit.biology.leukemia import leukemia, leukemia_markers, oracle

    theirs = oracle("limma_leukemia_aml_vs_all.tsv.gz", "gene")
    markers = leukemia_markers()
    ours = markers[markers["subtype"] == "AML"].set_index("gene").loc[theirs.index]
    columns = ("logFC", "AveExpr", "t", "df_total", "P.Value", "adj.P.Val")
    rows = [
        {
            "oracle": "limma 3.54",
            "n": len(theirs),
            "what": column,
            "largest difference": relative(ours[column], theirs[column]),
        }
        for column in columns
    ]
    seconds = min(timed(lambda: subtype_markers(*leukemia()))[1] for _ in range(N_TIMED))
    rows.append({"oracle": "limma 3.54", "what": "seconds, both subtypes", "value": seconds})
    if has_limma():
        rows.append({"oracle": "limma 3.54", "what": "seconds of limma in R", "value": seconds_of_limma(*leukemia())})
    return rows


def limma_trend_rows() -> list[dict]:
    """The columns of limma's tables with a trend, the largest difference in any of its cases: small simulated ones."""
    from amucl.biology.differential import moderated_t
    from tests.unit.biology import limma

    cases = [limma.case(name) for name in limma.ONE_AGAINST_REST if "no trend" not in name]
    tables = [(moderated_t(x, inside, trend=True).set_index("gene"), theirs) for x, inside, theirs in cases]
    name = {"oracle": "limma 3.54, trend", "n": sum(len(theirs) for _, theirs in tables)}
    return [
        {
            **name,
            "what": column,
            "largest difference": max(relative(ours[column], theirs[column]) for ours, theirs in tables),
        }
        for column in limma.COLUMNS
    ]


def has_limma() -> bool:
    """Whether there is an R that has limma 3.54."""
    probe = ["Rscript", "-e", "stopifnot(startsWith(as.character(packageVersion('limma')), '3.54'))"]
    return shutil.which("Rscript") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def seconds_of_limma(expression: pd.DataFrame, labels: pd.Series) -> float:
    """Seconds of lmFit, eBayes and topTable in R for each subtype against the rest, constant genes left out as ours."""
    script = Path(__file__).with_name("limma.R")
    with tempfile.TemporaryDirectory() as folder:
        matrix, groups = Path(folder, "expression.tsv"), Path(folder, "groups.txt")
        expression.loc[:, expression.std() > 0].T.to_csv(matrix, sep="\t")
        groups.write_text("\n".join(labels[expression.index]) + "\n")
        run = subprocess.run(
            ["Rscript", script, matrix, groups, str(N_TIMED)], check=True, capture_output=True, text=True
        )
    return float(run.stdout)


def over_representation_rows() -> list[dict]:
    """Counts and p of clusterProfiler's rules (DOSE's enricher) on the genes up in AML."""
    from amucl.biology.differential import up_regulated
    from amucl.biology.enrichment import over_representation
    from tests.unit.biology.leukemia import hallmark, leukemia_markers, oracle

    theirs = oracle("ora_leukemia_hallmark.tsv", "term")
    table = leukemia_markers()
    tested = table.loc[table["subtype"] == "AML", "gene"].tolist()
    ours = over_representation(up_regulated(table, "AML"), tested, hallmark()).set_index("term").loc[theirs.index]
    counts = ["k", "n", "M", "N"]
    name = {"oracle": "clusterProfiler", "n": len(theirs)}
    return [
        {
            **name,
            "what": "k, n, M, N",
            "largest difference": float(np.abs(ours[counts] - theirs[counts]).to_numpy().max()),
        },
        {**name, "what": "P", "largest difference": relative(ours["pval"], theirs["pval"])},
        {**name, "what": "adjusted P", "largest difference": relative(ours["padj"], theirs["padj"])},
    ]


def gsea_rows(n_seeds: int = 5) -> list[dict]:
    """Scores exactly; p beside the noise between seeds, which ours has too at fgsea's own 1,000 permutations."""
    from amucl.biology.enrichment import gsea
    from tests.unit.biology.leukemia import hallmark, leukemia_markers, oracle

    theirs = oracle("fgsea_leukemia_hallmark.tsv", "pathway")
    markers = leukemia_markers()
    t = markers[markers["subtype"] == "AML"].set_index("gene")["t"]
    first, seconds = timed(lambda: gsea(t, hallmark(), seed=1).set_index("term").loc[theirs.index])
    others = [gsea(t, hallmark(), seed=seed).set_index("term").loc[theirs.index] for seed in range(2, n_seeds + 1)]
    runs = [first, *others]
    apart = [distance(run, theirs) for run in runs]
    noisy = [
        gsea(t, hallmark(), seed=seed, n_permutations=1_000).set_index("term").loc[theirs.index]
        for seed in range(1, n_seeds + 1)
    ]
    own = [distance(noisy[i], noisy[j]) for i in range(n_seeds) for j in range(i)]
    significant = [int((run["padj"] < 0.05).sum()) for run in runs]
    name = {"oracle": "fgsea 1.31.6", "n": len(theirs)}
    return [
        {**name, "what": "ES", "largest difference": float(np.abs(first["ES"] - theirs["ES"]).max())},
        *(
            {
                **name,
                "what": what,
                "value": np.median([one[what] for one in apart]),
                "between seeds": np.median([one[what] for one in own]),
            }
            for what in apart[0]
        ),
        {
            **name,
            "what": f"sets at adjusted P < .05, of fgsea {(theirs['padj'] < 0.05).sum()}",
            "value": np.median(significant),
        },
        {**name, "what": "seconds, one subtype", "value": seconds},
    ]


def permuted_patients() -> str:
    """What is left of the hallmark sets when patients are permuted, 1,000 times."""
    from amucl.biology.phenotype import phenotype_gsea
    from tests.unit.biology.leukemia import hallmark, leukemia

    table = phenotype_gsea(*leukemia(), {"hallmark": hallmark()}, seed=1, n_permutations=1_000)
    of_one = table[table["subtype"] == "AML"]
    smallest = ", ".join(f"{name} {of_one[name].min():.2f}" for name in ("pval", "padj", "qval"))
    return f"Patients permuted: {(of_one['padj'] < 0.05).sum()} sets at padj < .05; the smallest {smallest}"


def distance(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, float]:
    """How far two runs of a multilevel GSEA are apart, set by set."""
    log2 = np.abs(np.log2(ours["pval"] / theirs["pval"]))
    error = np.hypot(ours["log2err"], theirs["log2err"])
    return {
        "median relative difference of NES": float(
            (np.abs(ours["NES"] - theirs["NES"]) / np.abs(theirs["NES"])).median()
        ),
        "median difference of log10 P": float((log2 * np.log10(2)).median()),
        "largest difference of log10 P": float((log2 * np.log10(2)).max()),
        "median of log2 P apart / stated error": float((log2 / error).median()),
        "share of sets within 2 stated errors": float((log2 < 2 * error).mean()),
    }


def timed(function) -> tuple:
    """What `function` returns, and the seconds it took."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def known_biology() -> pd.DataFrame:
    """The genes that are up most surely in each leukemia, and the hallmark sets of largest NES at adjusted P < .05."""
    from amucl.biology.enrichment import subtype_gsea
    from tests.unit.biology.leukemia import hallmark, leukemia_markers

    markers = leukemia_markers()
    up = markers[markers["logFC"] > 0].sort_values("P.Value", kind="stable")
    sets = subtype_gsea(markers, {"hallmark": hallmark()}, 1).query("padj < .05 and NES > 0")
    sets = sets.assign(term=sets["term"].str.removeprefix("HALLMARK_").str.replace("_", " ").str.lower())
    sets = sets.sort_values("NES", ascending=False, kind="stable")
    top = {"genes up": (up, "gene", 15), "hallmark sets up": (sets, "term", 6)}
    return pd.DataFrame(
        {name: table.groupby("subtype")[column].apply(lambda own, n=n: ", ".join(own.head(n)))
         for name, (table, column, n) in top.items()}
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the real data (default: ../shared/data)")
    folder = parser.parse_args().data
    if folder is not None:
        os.environ["AMUCL_SHARED_DATA"] = str(folder)
    rows = limma_rows() + limma_trend_rows() + over_representation_rows() + gsea_rows()
    table = pd.DataFrame(rows)[["oracle", "what", "n", "largest difference", "value", "between seeds"]]
    print(table.map(text).to_markdown(index=False))
    print("\n" + known_biology().to_markdown())
    print("\n" + permuted_patients())


def text(value: object) -> str:
    """A cell: numbers to two digits, nothing for what is missing."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2g}"


if __name__ == "__main__":
    main()

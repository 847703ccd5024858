"""Synthetic tables of the other analyses, as profiles of subtypes are made of them."""

import numpy as np
import pandas as pd

from amucl.biology.profile import Findings

SAMPLES = [f"p{i:02}" for i in range(40)]
LABELS = pd.Series([1] * 20 + [2] * 18 + [3] * 2, index=SAMPLES, name="subtype")


def clinical() -> pd.DataFrame:
    """Subtype 1 lives long and is M1, subtype 2 dies early and is M3."""
    return pd.DataFrame(
        {
            "os_time": np.r_[np.arange(1000, 1020.0), np.arange(10, 28.0), 500, 600],
            "os_event": [0.0, 1.0] * 10 + [1.0] * 20,
            "FAB": ["M1"] * 18 + ["M3"] * 2 + ["M3"] * 18 + ["M1"] * 2,
            "gender": ["MALE", "FEMALE"] * 20,
        },
        index=SAMPLES,
    )


def markers(feature: str = "gene", n_up: int = 10, n_down: int = 9, **columns) -> pd.DataFrame:
    """Of subtypes 1 and 2: up U0, U1, ..., down D0, D1, ... with ever larger P, and one that is not significant."""
    names = [f"U{i}" for i in range(n_up)] + ["N0"] + [f"D{i}" for i in range(n_down)]
    p = [*(10.0 ** (i - 12) for i in range(n_up)), 0.5, *(10.0 ** (i - 11) for i in range(n_down))]
    change = [2.0] * n_up + [0.1] + [-1.5] * n_down
    table = pd.DataFrame({feature: names, "logFC": change, "P.Value": p, "adj.P.Val": p, "status": "ok"})
    small = pd.DataFrame({"subtype": [3], feature: [None], "status": ["too_small"]}).astype({feature: object})
    tables = [table.assign(subtype=subtype) for subtype in (1, 2)] + [small]
    return pd.concat(tables, ignore_index=True).assign(**columns)


def sets() -> tuple[pd.DataFrame, pd.DataFrame]:
    """GSEA and GO, up and down, of subtype 1; nothing is significant in subtype 2."""
    gsea = pd.DataFrame(
        {
            "subtype": [1, 1, 1, 1, 2],
            "collection": "hallmark",
            "term": ["HALLMARK_WEAK", "HALLMARK_STRONG", "HALLMARK_LOW", "HALLMARK_CHANCE", "HALLMARK_WEAK"],
            "size": [30, 40, 50, 60, 30],
            "NES": [1.5, 2.5, -2.0, 1.0, 0.9],
            "pval": [0.01, 1e-6, 1e-4, 0.6, 0.7],
            "padj": [0.02, 1e-5, 1e-3, 0.7, 0.7],
        }
    )
    go = pd.DataFrame(
        {
            "subtype": [1, 1, 2],
            "collection": "go_bp",
            "direction": ["up", "down", "up"],
            "term": ["cell cycle (GO:0007049)", "cell adhesion (GO:0007155)", "cell cycle (GO:0007049)"],
            "k": [12, 7, 1],
            "M": [40, 30, 40],
            "odds_ratio": [9.0, 5.0, 1.0],
            "pval": [1e-5, 1e-4, 0.8],
            "padj": [1e-4, 1e-3, 0.8],
        }
    )
    return gsea, go


def embedding() -> pd.DataFrame:
    """Subtypes around 0, 10 and (0, 100); p00 lies at its centre, p19 nearly as far as the next."""
    points = np.zeros((40, 2))
    points[:20, 0] = [0, *([0.5, -0.5] * 9), 4.8]
    points[20:38, 0] = 10 + np.array([0, 0, *([1, -1] * 8)])
    points[38:, 1] = 100
    return pd.DataFrame(points, index=SAMPLES, columns=["z1", "z2"])


def findings(**changed) -> Findings:
    gsea, go = sets()
    consensus = pd.DataFrame({"subtype": [1, 1], "gene": ["U0", "D0"], "frequency": [0.9, 0.4]})
    methylation = markers("feature", 2, 12, scale="M", genes="RUNX1")
    given = {"markers": markers(), "gsea": gsea, "go": go, "omics": {"methylation": methylation}}
    return Findings(**(given | {"consensus": consensus, "embedding": embedding()} | changed))

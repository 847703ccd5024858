"""The subtypes of one result at a glance: one row each, for a reader who opens no other table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter

from amucl.biology.correction import ALPHA
from amucl.biology.differential import IDS_ARE_FOREIGN, NO_EXPRESSION, NOT_AVAILABLE, significant, up_regulated
from amucl.biology.enrichment import ids_are_foreign
from amucl.biology.survival import complete_survival
from amucl.labels import subtype_order

N_TOP = 5
OVERVIEW_COLUMNS = [
    "subtype",
    "n_patients",
    "share",
    "n_events",
    "median_survival",
    "n_up_regulated",
    "top_markers",
    "top_go",
    "top_gsea_up",
    "top_gsea_down",
]


def overview(
    labels: pd.Series,
    markers: pd.DataFrame,
    go: pd.DataFrame,
    gsea: pd.DataFrame,
    *,
    omics: Mapping[str, pd.DataFrame] | None = None,
    time: pd.Series | None = None,
    event: pd.Series | None = None,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
) -> pd.DataFrame:
    """One row a subtype: size, survival, and the strongest findings of every analysis, in `OVERVIEW_COLUMNS`.

    A column top_{omic} follows for every table of `omics`.

    Parameters
    ----------
    labels : subtype of each sample.
    markers, go, gsea : tables of `subtype_markers`, `subtype_over_representation` and `subtype_gsea`. Only findings at
        adjusted P < .05 are named (top_go: of genes that are up); a cell without one is empty, or says that the cohort
        has no expression, or that the gene sets know none of its genes.
    omics : omic -> table of `omic_markers`; its features are named with + where they are up, - where they are down.
    time, event : survival by sample, where it is known. The median is missing where more than half of a subtype
        survives; it has the unit of `time`.
    alpha, min_logfc : what makes a marker, as in `amucl.biology.differential.significant`; min_logfc of genes only.
    """
    rows = []
    for subtype in subtype_order(labels):
        inside = labels[labels == subtype]
        up = up_regulated(markers, subtype, alpha=alpha, min_logfc=min_logfc)
        enriched = _significant(gsea, subtype)
        absent = (markers.loc[markers["subtype"] == subtype, "status"] == NO_EXPRESSION).any()
        found = {
            "top_markers": _listed(up),
            "top_go": _listed(_significant(go[go["direction"] == "up"], subtype)["term"]),
            "top_gsea_up": _listed(enriched.loc[enriched["NES"] > 0, "term"]),
            "top_gsea_down": _listed(enriched.loc[enriched["NES"] < 0, "term"]),
        }
        found |= {"top_go": IDS_ARE_FOREIGN} if ids_are_foreign(go) else {}
        found |= dict.fromkeys(("top_gsea_up", "top_gsea_down"), IDS_ARE_FOREIGN) if ids_are_foreign(gsea) else {}
        rows.append(
            {
                "subtype": subtype,
                "n_patients": len(inside),
                "share": len(inside) / len(labels),
                **_survival(inside, time, event),
                "n_up_regulated": np.nan if absent else len(up),
                **(dict.fromkeys(found, NOT_AVAILABLE) if absent else found),
                **{f"top_{omic}": _signed(table, subtype, alpha) for omic, table in (omics or {}).items()},
            }
        )
    return pd.DataFrame(rows, columns=[*OVERVIEW_COLUMNS, *(f"top_{omic}" for omic in omics or {})])


def _survival(labels: pd.Series, time: pd.Series | None, event: pd.Series | None) -> dict[str, float]:
    if time is None or event is None:
        return {"n_events": np.nan, "median_survival": np.nan}
    known = complete_survival(time, event, labels)
    if known.empty:
        return {"n_events": 0, "median_survival": np.nan}
    median = KaplanMeierFitter().fit(known["time"], known["event"]).median_survival_time_
    return {"n_events": int(known["event"].sum()), "median_survival": median if np.isfinite(median) else np.nan}


def _significant(table: pd.DataFrame, subtype) -> pd.DataFrame:
    return table[(table["subtype"] == subtype) & (table["padj"] < ALPHA)].sort_values("pval", kind="stable")


def _signed(table: pd.DataFrame, subtype, alpha: float) -> str:
    """The features of an omic that differ most, up or down."""
    rows = table[significant(table, alpha=alpha) & (table["subtype"] == subtype)].sort_values("P.Value", kind="stable")
    return _listed(f"{'+' if row.logFC > 0 else '-'}{row.feature}" for row in rows.head(N_TOP).itertuples())


def _listed(names) -> str:
    return "; ".join(list(names)[:N_TOP])

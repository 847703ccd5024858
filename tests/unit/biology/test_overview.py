import numpy as np
import pandas as pd
import pytest

from amucl.biology.overview import OVERVIEW_COLUMNS, overview

LABELS = pd.Series([1, 1, 1, 2, 2], index=list("abcde"))
MARKERS = pd.DataFrame(
    {
        "subtype": [1, 1, 1, 2],
        "gene": ["G1", "G2", "G3", "G4"],
        "logFC": [2.0, 1.0, 3.0, 1.0],
        "adj.P.Val": [0.001, 0.01, 0.2, 0.04],
        "rank": [1, 2, 3, 1],
        "status": "ok",
    }
)
GO = pd.DataFrame(
    {
        "subtype": [1, 1, 1],
        "direction": ["up", "up", "down"],
        "term": ["late", "early", "lost"],
        "pval": [0.002, 0.001, 0.001],
        "padj": [0.02, 0.01, 0.01],
    }
)
GSEA = pd.DataFrame(
    {
        "subtype": [1, 1, 2],
        "term": ["up", "down", "weak"],
        "NES": [2.0, -2.0, 1.0],
        "pval": [0.001, 0.001, 0.3],
        "padj": [0.01, 0.01, 0.6],
    }
)


def test_one_row_a_subtype_with_its_strongest_findings():
    time = pd.Series([10.0, 20, 30, 40, 50], index=LABELS.index)
    event = pd.Series([1, 1, 1, 0, 0], index=LABELS.index)
    table = overview(LABELS, MARKERS, GO, GSEA, time=time, event=event)
    assert list(table.columns) == OVERVIEW_COLUMNS
    first, second = table.to_dict("records")
    assert (first["n_patients"], first["share"]) == (3, 0.6)
    assert (first["n_events"], first["median_survival"]) == (3, 20)
    assert (first["n_up_regulated"], first["top_markers"]) == (2, "G1; G2")
    assert (first["top_go"], first["top_gsea_up"], first["top_gsea_down"]) == ("early; late", "up", "down")
    assert (second["n_events"], second["top_gsea_up"]) == (0, "")
    assert np.isnan(second["median_survival"])


def test_what_a_marker_is_may_be_set():
    table = overview(LABELS, MARKERS, GO, GSEA, alpha=0.3, min_logfc=1.5)
    assert table["top_markers"].tolist() == ["G1; G3", ""]
    assert table["n_up_regulated"].tolist() == [2, 0]


@pytest.mark.parametrize("known", [None, np.nan])
def test_without_survival_its_cells_are_empty(known):
    time = None if known is None else pd.Series(known, index=LABELS.index)
    table = overview(LABELS, MARKERS, GO.iloc[:0], GSEA.iloc[:0], time=time, event=time)
    assert table["median_survival"].isna().all()
    assert (table["top_go"] == "").all()

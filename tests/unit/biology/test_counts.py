from functools import cache

import numpy as np
import pandas as pd
import pytest

from amucl.biology.contrasts import PAIR_COLUMNS
from amucl.biology.counts import CountModel, log_counts, whole_counts
from amucl.biology.differential import MARKER_COLUMNS, permuted_control, subtype_markers
from amucl.errors import AmuclError


def drawn(seed=0, n=24, genes=150):
    """Negative binomial counts of three subtypes and a tiny one; the first eight genes are up fourfold in a."""
    rng = np.random.default_rng(seed)
    labels = pd.Series(["a", "b", "c"] * (n // 3), index=[f"p{i}" for i in range(n)])
    labels.iloc[-2:] = "tiny"
    mean = rng.lognormal(5, 1, genes) * rng.uniform(0.5, 2, (n, 1))
    mean[(labels == "a").to_numpy(), :8] *= 4
    counts = rng.negative_binomial(5, 5 / (5 + mean))
    return pd.DataFrame(counts, index=labels.index, columns=[f"g{j:03d}" for j in range(genes)]), labels


@cache
def model():
    return CountModel(*drawn())


def test_planted_genes_lead_and_their_fold_change_is_found():
    table = model().markers()
    assert list(table.columns) == MARKER_COLUMNS
    rows = table[table["subtype"] == "a"]
    assert set(rows["gene"].head(8)) == {f"g{j:03d}" for j in range(8)}
    assert rows["logFC"].head(8).mean() == pytest.approx(2, abs=0.3)
    assert (rows["adj.P.Val"].head(8) < 1e-3).all()
    assert (table.loc[table["subtype"] == "b", "adj.P.Val"].min()) > 1e-6
    assert list(rows["rank"]) == list(range(1, len(rows) + 1))
    assert (rows["mean_in"] - rows["mean_out"]).head(8).min() > 1


def test_a_tiny_subtype_has_a_row_of_its_own():
    table = model().markers()
    assert table.loc[table["subtype"] == "tiny", "status"].tolist() == ["too_small"]
    sizes = drawn()[1].value_counts()
    tested = table[table["subtype"] == "a"]
    assert set(tested["n_in"]) == {sizes["a"]}
    assert set(tested["n_out"]) == {sizes["b"] + sizes["c"]}
    pairs = model().pairs()
    assert list(pairs.columns) == PAIR_COLUMNS
    status = pairs.groupby(["subtype", "against"])["status"].first()
    assert status["a", "tiny"] == "too_small"
    assert status["a", "b"] == status["b", "c"] == "ok"


def test_a_pair_is_the_difference_of_log_means():
    pairs = model().pairs().query("subtype == 'a' and against == 'b'").set_index("gene")
    assert set(pairs.index[:8]) == {f"g{j:03d}" for j in range(8)}
    counts, labels = drawn()
    ratio = np.log2(counts[labels == "a"].mean() / counts[labels == "b"].mean())
    assert np.corrcoef(ratio[pairs.index], pairs["logFC"])[0, 1] > 0.95


def test_counts_are_whole_numbers(caplog):
    counts, _ = drawn()
    counts.iloc[0, 0] = 700_001
    pd.testing.assert_frame_equal(whole_counts(counts.astype(np.float32)), counts)
    assert not caplog.text
    pd.testing.assert_frame_equal(whole_counts(counts + 0.4), counts)
    assert "100.0% of the counts were no whole numbers" in caplog.text


def test_a_sample_without_counts_is_named():
    counts, _ = drawn()
    counts.loc["p4"] = 0
    with pytest.raises(AmuclError, match="sample p4: a sample without a single count"):
        whole_counts(counts)


def test_logarithms_of_normalised_counts():
    counts, _ = drawn()
    found = log_counts(counts)
    positive = counts.loc[:, (counts > 0).all()]
    factors = np.exp((np.log(positive) - np.log(positive).mean()).median(axis=1))
    factors /= np.exp(np.log(factors).mean())
    np.testing.assert_allclose(found, np.log2(counts.div(factors, axis=0) + 3))
    deeper = counts.mul(np.where(np.arange(len(counts)) % 2, 1, 3), axis=0)
    moved = (log_counts(deeper) - log_counts(counts)).loc[:, positive.mean() > 200]
    assert moved.std(axis=0).max() < 0.1, "depth takes no part: all samples of a gene move alike"
    sparse = counts.where(~np.eye(*counts.shape, dtype=bool)[:, np.arange(counts.shape[1]) % len(counts)], 0)
    totals = sparse.sum(axis=1)
    by_depth = np.log2(sparse.div(totals / np.exp(np.log(totals).mean()), axis=0) + 3)
    np.testing.assert_allclose(log_counts(sparse), by_depth)


def test_the_moderated_t_of_log_counts_stands_in_for_the_count_model():
    counts, labels = drawn()
    table = subtype_markers(log_counts(counts), labels, trend=True)
    for subtype in "abc":
        ours, deseq = (found[found["subtype"] == subtype].set_index("gene") for found in (table, model().markers()))
        assert ours["t"].corr(deseq["t"].reindex(ours.index), method="spearman") > 0.9
    control = permuted_control(log_counts(counts), labels, 1, trend=True).set_index("subtype")
    assert control.loc["a", "n_significant"] >= 8
    assert (control.loc[["a", "b", "c"], "n_significant_permuted"] < 2).all()

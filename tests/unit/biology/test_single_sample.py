import numpy as np
import pandas as pd
import pytest

from amucl.biology.differential import subtype_markers
from amucl.biology.single_sample import NO_SETS, collection_scores, score_tests, ssgsea
from amucl.errors import AmuclError

GENES = [f"Gene{i}" for i in range(200)]


def drawn(seed=0):
    """Twelve samples; the first twenty genes are up in the first six."""
    rng = np.random.default_rng(seed)
    values = rng.normal(8, 1, (12, 200))
    values[:6, :20] += 1.5
    sets = {"planted": GENES[:20], "other": GENES[100:130], "small": GENES[:5], "elsewhere": ["X", "Y"]}
    return pd.DataFrame(values, index=[f"p {i}" for i in range(12)], columns=GENES), sets


def written_out(values, members, weight=0.25):
    """Barbie's score of one sample: the sum of differences of two running sums down the ranked genes."""
    ranks = values.rank()
    ordered = ranks.sort_values(ascending=False, kind="stable")
    inside = ordered.index.isin(members)
    hit = np.where(inside, ordered.to_numpy() ** weight, 0)
    miss = ~inside
    return (np.cumsum(hit) / hit.sum() - np.cumsum(miss) / miss.sum()).sum()


def test_scores_are_those_of_the_definition():
    expression, sets = drawn()
    scores = ssgsea(expression, sets)
    assert list(scores.columns) == ["planted", "other"]
    assert list(scores.index) == list(expression.index)
    expected = pd.DataFrame(
        {name: [written_out(row, sets[name]) for _, row in expression.iterrows()] for name in scores},
        index=scores.index,
    )
    spread = expected.to_numpy().max() - expected.to_numpy().min()
    pd.testing.assert_frame_equal(scores, expected / spread, rtol=1e-8, check_exact=False)
    assert scores["planted"][:6].min() > scores["planted"][6:].max()


def test_only_the_order_of_genes_counts():
    expression, sets = drawn()
    pd.testing.assert_frame_equal(ssgsea(np.exp(expression), sets), ssgsea(expression, sets))
    scaled = expression.mul(np.linspace(1, 3, 12), axis=0)
    pd.testing.assert_frame_equal(ssgsea(scaled, sets), ssgsea(expression, sets))


def test_dotted_genes_and_several_collections():
    expression, sets = drawn()
    dotted = expression.rename(columns={"Gene3": "Gene.3"})
    hyphens = {"planted": ["Gene-3" if gene == "Gene3" else gene for gene in sets["planted"]]}
    both = collection_scores(dotted, {"one": sets, "two": hyphens})
    assert list(both.columns) == ["planted", "other", "planted (two)"]
    ratio = both["planted (two)"] / ssgsea(expression, {"planted": sets["planted"]})["planted"]
    np.testing.assert_allclose(ratio, 1)


def test_no_set_left_is_an_empty_table():
    expression, sets = drawn()
    assert ssgsea(expression, {"small": sets["small"]}).shape == (12, 0)


@pytest.mark.parametrize("how", ["duplicate", "nan", "ids"])
def test_bad_input_is_named(how):
    expression, sets = drawn()
    if how == "duplicate":
        expression = expression.rename(columns={"Gene1": "Gene0"})
    elif how == "nan":
        expression.iloc[2, 3] = np.nan
    else:
        expression.columns = [f"ENSG{i:011d}" for i in range(200)]
    message = {"duplicate": "got Gene0", "nan": "missing or infinite", "ids": "Ensembl ids against symbols"}[how]
    with pytest.raises(AmuclError, match=message):
        ssgsea(expression, sets)


def test_scores_are_compared_as_scores():
    expression, sets = drawn()
    scores = ssgsea(expression, sets)
    labels = pd.Series(["up"] * 6 + ["rest"] * 6 + ["elsewhere"], index=[*scores.index, "no scores"])
    table = score_tests(scores, labels)
    assert not {"gene", "logFC", "AveExpr"} & set(table.columns)
    own = labels[scores.index]
    expected = subtype_markers(scores, own)
    pd.testing.assert_series_equal(table["t"], expected["t"])
    first = table[table["subtype"] == "up"].iloc[0]
    inside = (own == "up").to_numpy()
    assert first["term"] == "planted"
    assert first["difference"] == pytest.approx(scores["planted"][inside].mean() - scores["planted"][~inside].mean())


def test_without_a_scored_set_every_subtype_has_a_row():
    expression, _ = drawn()
    scores = collection_scores(expression, {"none": {"small": GENES[:5]}})
    table = score_tests(scores, pd.Series(["a", "b"] * 6, index=expression.index))
    assert table["status"].tolist() == [NO_SETS, NO_SETS]
    assert table["term"].isna().all()

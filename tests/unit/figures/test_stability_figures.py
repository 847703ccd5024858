import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from amucl.errors import AmuclError
from amucl.figures.stability import choice_of_k, consensus_heatmap, enrichment_figure
from amucl.figures.style import MISSING, PALETTE, save_figure

KS = [2, 3, 4]


@pytest.fixture
def stability():
    table = pd.DataFrame({"k": KS, "dataset": "aml", "method": "dmacl", "status": "ok"})
    numbers = {"ari_mean": 0.5, "pac": 0.2, "gap": 0.4, "eigengap": 0.1, "silhouette": 0.3, "prediction_index": 0.6}
    for column, value in numbers.items():
        table[column] = value + 0.01 * table["k"]
    return table.assign(ari_sd=0.05, pac_null=0.95, gap_se=0.02, prediction_sd=0.03).iloc[::-1]


@pytest.fixture
def choice():
    return pd.Series({"suggested_k": 3, "confidence": "high", "votes": "5/6", "evidence": "PAC and gap agree."})


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.axison}


def line(axes, label):
    (found,) = (line for line in axes.lines if line.get_label() == label)
    return found


def blocks(n_per_cluster=(3, 2), seed=0):
    """A consensus of two clusters, the samples shuffled, and their labels."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(n_per_cluster)), n_per_cluster)
    noise = rng.random((len(groups), len(groups))) / 10
    consensus = (groups[:, None] == groups) * 0.8 + noise + noise.T
    np.fill_diagonal(consensus, 1)
    samples = [f"s{number}" for number in range(len(groups))]
    table = pd.DataFrame(consensus, index=samples, columns=samples)
    order = rng.permutation(samples)
    return table.loc[order, order], pd.Series(groups + 9, index=samples)


def test_heat_map_shows_the_samples_cluster_by_cluster():
    consensus, labels = blocks((4, 3, 2))
    figure = consensus_heatmap(consensus, labels, k=4, pac=0.125)
    heat, strip, _ = figure.axes
    drawn = heat.images[0].get_array()
    sizes = np.repeat([0, 1, 2], [4, 3, 2])
    assert ((drawn > 0.5) == (sizes[:, None] == sizes)).all()
    np.testing.assert_allclose(np.sort(drawn.ravel()), np.sort(consensus.to_numpy().ravel()))
    np.testing.assert_allclose(drawn, drawn.T)
    assert [line.get_xdata()[0] for line in heat.lines[::2]] == [3.5, 6.5]
    assert heat.images[0].get_clim() == (0, 1)
    assert strip.get_title() == "k = 4, PAC = 0.12 (lower is better)"
    assert heat.get_xlabel() == "9 samples"


def test_inside_a_cluster_alike_samples_are_neighbours():
    pairs = np.array([0, 1, 0, 1])
    samples = list("abcd")
    consensus = pd.DataFrame(np.where(pairs[:, None] == pairs, 1.0, 0.6), index=samples, columns=samples)
    figure = consensus_heatmap(consensus, pd.Series(1, index=samples), k=2)
    drawn = figure.axes[0].images[0].get_array()
    assert drawn[0, 1] == drawn[2, 3] == 1
    assert drawn[1, 2] == 0.6


def test_colour_bars_of_clusters_and_known_labels_match_by_sample():
    consensus, labels = blocks()
    truth = labels.map({9: "old", 10: None}).sample(frac=1, random_state=0)
    figure = consensus_heatmap(consensus, labels, truth, k=2)
    _, clusters, known, _ = figure.axes
    assert [axes.get_yticklabels()[0].get_text() for axes in (clusters, known)] == ["Cluster", "Known label"]
    colours = [[to_hex(pixel) for pixel in axes.images[0].get_array()[0]] for axes in (clusters, known)]
    assert colours[0] == [PALETTE[0].lower()] * 3 + [PALETTE[1].lower()] * 2
    assert colours[1] == [PALETTE[0].lower()] * 3 + [MISSING] * 2
    legends = {
        legend.get_title().get_text(): [text.get_text() for text in legend.get_texts()] for legend in figure.legends
    }
    assert legends == {"Cluster": ["9 (3)", "10 (2)"], "Known label": ["old (3)", "unknown (2)"]}
    assert clusters.get_title() == "k = 2"


def test_labels_may_come_in_any_order_and_of_more_samples():
    consensus, labels = blocks((4, 3))
    more = pd.concat([labels.iloc[::-1], pd.Series([9, 10], index=["other", "another"])])
    drawn, expected = (
        consensus_heatmap(consensus, groups, k=2).axes[0].images[0].get_array() for groups in (more, labels)
    )
    np.testing.assert_array_equal(drawn, expected)


def test_pairs_never_drawn_together_are_grey():
    consensus, labels = blocks()
    consensus.iloc[0, 1] = consensus.iloc[1, 0] = np.nan
    image = consensus_heatmap(consensus, labels, k=2).axes[0].images[0]
    assert image.get_array().mask.sum() == 2
    assert to_hex(image.get_cmap().get_bad()) == MISSING


def test_an_unknown_pac_is_not_told():
    assert consensus_heatmap(*blocks(), k=2, pac=np.nan).axes[1].get_title() == "k = 2"


def test_without_a_consensus_the_figure_says_why():
    consensus, labels = blocks()
    (axes,) = consensus_heatmap(consensus * np.nan, labels, k=5).axes
    assert " ".join(axes.texts[0].get_text().split()) == (
        "No consensus for k = 5: subsamples cannot be divided into so many clusters"
    )


def test_a_consensus_of_other_samples_is_refused():
    consensus, labels = blocks()
    with pytest.raises(AmuclError, match="samples of the consensus without a label; got s3, s4"):
        consensus_heatmap(consensus, labels.iloc[:3], k=2)


def test_every_criterion_has_a_panel_with_its_direction_and_values(stability, choice):
    found = panels(choice_of_k(stability, choice))
    assert {title: axes.get_ylabel() for title, axes in found.items()} == {
        "ARI under subsampling": "higher is better",
        "PAC": "lower is better",
        "Gap statistic": "higher is better",
        "Eigengap": "higher is better",
        "Silhouette": "higher is better",
        "Prediction index": "higher is better",
    }
    columns = ["ari_mean", "pac", "gap", "eigengap", "silhouette", "prediction_index"]
    for column, axes in zip(columns, found.values(), strict=True):
        curve = next(line for line in axes.lines if line.get_marker() == "o")
        np.testing.assert_allclose(curve.get_xydata(), stability[["k", column]].iloc[::-1])
        assert list(axes.get_xticks()) == KS


def test_spread_and_null_are_drawn(stability, choice):
    found = panels(choice_of_k(stability, choice))
    for title, middle, spread in (
        ("ARI under subsampling", 0.5, 0.05),
        ("Gap statistic", 0.4, 0.02),
        ("Prediction index", 0.6, 0.03),
    ):
        (band,) = found[title].collections
        corners = band.get_paths()[0].vertices
        at_two = corners[corners[:, 0] == 2, 1]
        assert (at_two.min(), at_two.max()) == pytest.approx((middle + 0.02 - spread, middle + 0.02 + spread))
    assert list(line(found["PAC"], "without clusters").get_ydata()) == [0.95] * 3
    assert not found["Silhouette"].collections


def test_suggested_and_used_k_are_marked_and_told(stability, choice):
    figure = choice_of_k(stability, choice, chosen_k=4)
    assert figure.get_suptitle() == "Suggested k = 3, confidence: high. PAC and gap agree."
    for axes in panels(figure).values():
        assert list(line(axes, "suggested k").get_xdata()) == [3, 3]
        assert line(axes, "suggested k").get_color() == MISSING
        assert list(line(axes, "k in use").get_xdata()) == [4, 4]
        assert line(axes, "k in use").get_linestyle() == "--"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(names) == ["k in use", "standard deviation", "standard error", "suggested k", "without clusters"]


def test_without_a_suggestion_no_line_is_drawn(stability, choice):
    choice = choice.copy()
    choice["suggested_k"], choice["evidence"] = np.nan, "No criterion departs from its null."
    figure = choice_of_k(stability, choice)
    assert figure.get_suptitle() == "No k is suggested. No criterion departs from its null."
    for axes in panels(figure).values():
        assert "suggested k" not in [line.get_label() for line in axes.lines]


def test_criteria_that_could_not_be_computed_are_left_out(stability, choice):
    table = stability.drop(columns=["gap", "gap_se"]).assign(eigengap=np.nan, pac_null=np.nan)
    assert list(panels(choice_of_k(table, choice))) == [
        "ARI under subsampling",
        "PAC",
        "Silhouette",
        "Prediction index",
    ]
    assert [text.get_text() for text in choice_of_k(table, choice).legends[0].get_texts()] == [
        "standard deviation",
        "suggested k",
    ]
    empty = table.assign(**dict.fromkeys(["ari_mean", "pac", "silhouette", "prediction_index"], np.nan))
    assert [t.get_text() for t in choice_of_k(empty, choice).axes[0].texts] == [
        "No criterion could be computed at any k"
    ]


@pytest.fixture
def clinic():
    """Two datasets, three methods, k 2 and 3; no p-value of pca on gbm."""
    rows = [(d, m, k) for d in ("aml", "gbm") for m in ("dmacl", "pca", "published-efAE") for k in (2, 3)]
    keys = pd.DataFrame(rows, columns=["dataset", "method", "k"])
    survival = keys.assign(p_permutation=10.0 ** -np.arange(1, 13), n_permutations=1e13)
    survival.loc[(survival["dataset"] == "gbm") & (survival["method"] == "pca"), "p_permutation"] = np.nan
    return survival, keys.assign(n_labels=12, n_enriched=range(12)).sample(frac=1, random_state=0)


def dots(axes):
    """Method -> place."""
    found = (line for line in axes.lines if line.get_linestyle() == "None")
    return {line.get_label(): tuple(line.get_xydata()[0]) for line in found}


def test_every_method_is_a_point_at_its_survival_and_enriched_labels(clinic):
    figure = enrichment_figure(*clinic, {"aml": 3, "gbm": 2})
    aml, gbm = (axes for axes in figure.axes if axes.axison)
    assert [axes.get_title() for axes in (aml, gbm)] == ["aml\nk = 3", "gbm\nk = 2"]
    assert dots(aml) == {m: pytest.approx((x, x - 1)) for m, x in (("dmacl", 2), ("pca", 4), ("published-efAE", 6))}
    assert dots(gbm) == {m: pytest.approx((x, x - 1)) for m, x in (("dmacl", 7), ("published-efAE", 11))}
    assert (aml.get_xlabel(), gbm.get_xlabel()) == ("", "not tested: pca")
    for axes in (aml, gbm):
        (threshold,) = (line for line in axes.lines if line.get_linestyle() == "--")
        assert threshold.get_xdata()[0] == pytest.approx(1.30103)
        assert not axes.texts
    assert figure.get_supxlabel() == "−log$_{10}$ log-rank $P$, by permutation (further right is better)"
    assert figure.get_supylabel() == "Enriched clinical labels (higher is better)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dmacl", "pca", "published:", "efAE"]


def test_colours_do_not_depend_on_which_points_are_missing(clinic):
    survival, enrichment = clinic
    survival.loc[survival["method"] == "dmacl", "p_permutation"] = np.nan
    figure = enrichment_figure(survival, enrichment, {"aml": 2})
    (pca,) = (line for line in figure.axes[0].lines if line.get_label() == "pca")
    assert to_rgb(pca.get_color()) == to_rgb(PALETTE[1])


@pytest.mark.parametrize("n_methods", [3, 20])
@pytest.mark.parametrize("count", [0, 1])
def test_no_method_hides_another_and_none_leaves_its_count(n_methods, count):
    keys = pd.DataFrame({"dataset": "aml", "method": [f"m{i}" for i in range(n_methods)], "k": 3})
    survival = keys.assign(p_permutation=10 ** -np.linspace(2, 2.02, n_methods), n_permutations=1e5)
    (axes,) = enrichment_figure(survival, keys.assign(n_labels=6, n_enriched=count), {"aml": 3}).axes
    heights = [y for _, y in dots(axes).values()]
    assert len(set(np.round(heights, 6))) == n_methods
    assert {int(y) for y in heights} == {count}
    assert axes.get_ylim()[0] <= min(heights)
    assert axes.get_ylim()[1] >= max(heights)


def test_points_apart_stand_at_their_count():
    keys = pd.DataFrame({"dataset": "aml", "method": ["a", "b", "c"], "k": 3})
    survival = keys.assign(p_permutation=[1e-3, 1e-1, 1e-2], n_permutations=1e5)
    (axes,) = enrichment_figure(survival, keys.assign(n_labels=6, n_enriched=2), {"aml": 3}).axes
    assert dots(axes) == {"a": pytest.approx((3, 2)), "b": pytest.approx((1, 2)), "c": pytest.approx((2, 2))}


def test_a_p_that_the_permutations_bound_has_an_arrow(clinic):
    survival, enrichment = clinic
    survival = survival.assign(n_permutations=9_999)
    survival["p_permutation"] = [0.01, 0.2, 1e-4, 0.2, 2e-4, 0.2] * 2
    figure = enrichment_figure(survival, enrichment, {"aml": 2})
    (arrow,) = figure.axes[0].texts
    assert arrow.get_text() == "→"
    assert arrow.xy == pytest.approx(dots(figure.axes[0])["pca"])
    assert figure.legends[0].get_texts()[-1].get_text() == "none of 9,999\npermutations\nas extreme"


def test_datasets_without_survival_have_no_panel(clinic):
    survival, enrichment = clinic
    survival.loc[survival["dataset"] == "gbm", "p_permutation"] = np.nan
    assert [axes.get_title() for axes in enrichment_figure(survival, enrichment, {"aml": 2, "gbm": 2}).axes] == [
        "aml\nk = 2"
    ]
    (axes,) = enrichment_figure(survival, enrichment, {"gbm": 2}).axes
    assert [text.get_text() for text in axes.texts] == ["No method has a log-rank test of survival"]


@pytest.mark.parametrize("how", ["no row", "no label"])
def test_a_method_without_clinical_labels_is_drawn_at_0_and_named(clinic, how):
    survival, enrichment = clinic
    of_pca = enrichment["method"] == "pca"
    if how == "no row":
        enrichment = enrichment[~of_pca]
    else:
        enrichment = enrichment.assign(
            **{name: enrichment[name].mask(of_pca, 0) for name in ("n_labels", "n_enriched")}
        )
    axes = enrichment_figure(survival, enrichment, {"aml": 2}).axes[0]
    assert axes.get_xlabel() == "no clinical labels: pca"
    assert dots(axes)["pca"] == pytest.approx((3, 0))


def test_a_dataset_without_clinical_labels_keeps_its_survival(clinic):
    survival, enrichment = clinic
    aml, gbm = enrichment_figure(survival, enrichment[enrichment["dataset"] == "gbm"], {"aml": 2, "gbm": 2}).axes
    assert aml.get_xlabel() == "no clinical labels"
    assert {y for _, y in dots(aml).values()} == {0}
    assert gbm.get_xlabel() == "not tested: pca"


def test_the_same_figure_gives_the_same_bytes(tmp_path, stability, choice, clinic):
    for number in "12":
        save_figure(consensus_heatmap(*blocks(), k=2), tmp_path / f"heat{number}.svg")
        save_figure(choice_of_k(stability, choice), tmp_path / f"choice{number}.svg")
        save_figure(enrichment_figure(*clinic, {"aml": 3}), tmp_path / f"clinic{number}.svg")
    for name in ("heat", "choice", "clinic"):
        assert (tmp_path / f"{name}1.svg").read_bytes() == (tmp_path / f"{name}2.svg").read_bytes()

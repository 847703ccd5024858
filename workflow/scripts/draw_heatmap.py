"""Heat map of the top markers of every subtype."""

from _stage import stage

from amucl.biology.associations import annotations, known_classes
from amucl.biology.differential import NOT_AVAILABLE
from amucl.biology.expression import expression_of
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.escaping import plain
from amucl.figures.biology import marker_heatmap
from amucl.figures.style import placeholder, save_figure

with stage(snakemake):
    params, known = snakemake.params, plain(snakemake.params.known)
    labels = read_partition(snakemake.input.labels)
    cohort = read_cohort(snakemake.input.cohort)
    clinical = cohort.obs.loc[labels.index].drop(columns=known["left_out"])
    classes = known_classes(clinical, known["truth"], known["label_tables"], known["named"])
    bars = annotations(clinical, classes, known["clinical_labels"])
    expression = expression_of(cohort, snakemake.input.genes or None)
    figure = placeholder(NOT_AVAILABLE)
    if expression is not None:
        settings = {"n_top": params.n_top, "alpha": params.alpha, "min_logfc": params.min_logfc}
        figure = marker_heatmap(
            expression, labels, read_subtype_table(snakemake.input.markers, labels), bars, **settings
        )
    for path in snakemake.output[:3]:
        save_figure(figure, path)

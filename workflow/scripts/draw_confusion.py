"""Draw every method's clusters of one dataset against its known labels."""

from _stage import stage

from amucl.clustering.external import confusion
from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.confusion import confusion_matrices
from amucl.figures.style import save_figure
from amucl.labels import missing_labels, read_labels

with stage(snakemake):
    cohort = read_cohort(snakemake.input.cohort)
    tables = {}
    for method, file in zip(snakemake.params.methods, snakemake.input.labels, strict=True):
        labels = read_labels(file)[f"k{snakemake.params.k}"]
        known = truth(cohort, labels.index)
        known = known[~missing_labels(known)]
        tables[method] = confusion(labels.loc[known.index], known)
    figure = confusion_matrices(tables)
    for path in snakemake.output[:3]:
        save_figure(figure, path)

"""Draw a low-rank affinity ordered by cluster, and the convergence of its solver."""

from _stage import stage

from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.lowrank import affinity_heatmap, convergence_plot
from amucl.figures.style import save_figure
from amucl.files import read_table
from amucl.fitting import read_arrays

with stage(snakemake):
    samples, arrays = read_arrays(snakemake.input.affinity)
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.params.k}"].loc[samples]
    known = truth(read_cohort(snakemake.input.cohort), samples)
    heatmap = affinity_heatmap(arrays["affinity"], labels, known)
    convergence = convergence_plot(read_table(snakemake.input.history))
    for figure, paths in ((heatmap, snakemake.output.affinity), (convergence, snakemake.output.convergence)):
        for path in paths:
            save_figure(figure, path)

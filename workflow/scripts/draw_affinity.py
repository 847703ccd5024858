"""Draw a low-rank representation and its affinity ordered by cluster, and the convergence of its solver."""

from _stage import stage

from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.lowrank import affinity_heatmap, convergence_plot, representation_heatmap
from amucl.figures.style import save_figure
from amucl.files import read_arrays, read_table
from amucl.labels import read_labels

with stage(snakemake):
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.params.k}"]
    known = truth(read_cohort(snakemake.input.cohort), labels.index)
    figures = {
        "convergence": convergence_plot(
            read_table(snakemake.input.history), read_table(snakemake.input.solver)["tol"].item()
        )
    }
    for name, heatmap in (("affinity", affinity_heatmap), ("representation", representation_heatmap)):
        samples, arrays = read_arrays(snakemake.input[name])
        figures[name] = heatmap(arrays[name], labels.loc[samples], None if known is None else known.loc[samples])
    for name, figure in figures.items():
        for path in snakemake.output[name]:
            save_figure(figure, path)

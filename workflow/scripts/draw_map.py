"""Draw a cohort's patients as an embedding places them, coloured by cluster and by known label."""

from _stage import stage

from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.metrics import embedding_map
from amucl.figures.style import save_figure
from amucl.files import read_matrix
from amucl.labels import read_labels

with stage(snakemake):
    embedding = read_matrix(snakemake.input.embedding)
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.params.k}"].loc[embedding.index]
    known = truth(read_cohort(snakemake.input.cohort), embedding.index)
    figure = embedding_map(embedding, labels, known)
    for path in snakemake.output[:3]:
        save_figure(figure, path)

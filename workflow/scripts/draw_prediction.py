"""Draw new patients among those a network was trained on."""

from _stage import stage

from amucl.clustering.partition import read_partition
from amucl.figures.metrics import prediction_map
from amucl.figures.style import save_figure
from amucl.files import read_matrix

with stage(snakemake):
    embedding, new = read_matrix(snakemake.input.embedding), read_matrix(snakemake.input.new)
    labels = read_partition(snakemake.input.labels).astype(str)
    predicted = read_matrix(snakemake.input.predicted)["subtype"].astype(str)
    figure = prediction_map(embedding, labels, new, predicted)
    for path in snakemake.output.figure:
        save_figure(figure, path)

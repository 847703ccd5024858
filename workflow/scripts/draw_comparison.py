"""Draw one dataset's indices of every method over k."""

import pandas as pd
from _stage import stage

from amucl.figures.metrics import metrics_over_k
from amucl.figures.style import save_figure
from amucl.files import read_table

with stage(snakemake):
    table = pd.concat([read_table(file) for file in snakemake.input], ignore_index=True)
    figure = metrics_over_k(table, reference_k=snakemake.params.reference_k)
    for path in snakemake.output[:3]:
        save_figure(figure, path)

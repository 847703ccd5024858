"""Every method on every dataset in one table, with its mean rank; and the seconds it took to fit."""

import pandas as pd
from _stage import stage

from amucl.comparison.standings import standings, times
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    table = standings(read_table(snakemake.input.metrics), reference_k=snakemake.params.reference_k)
    seconds = pd.DataFrame(snakemake.params.fits, columns=["dataset", "method"])
    seconds["seconds"] = [read_table(file)["s"].item() for file in snakemake.input.benchmarks]
    write_table(table, snakemake.output.table)
    write_table(seconds, snakemake.output.seconds)
    took = times(seconds, datasets=list(dict.fromkeys(seconds["dataset"])))
    write_html_table(pd.concat([table, took], ignore_index=True), snakemake.output.html)

"""All methods' metrics in one table."""

import pandas as pd
from _stage import stage

from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    table = pd.concat([read_table(file) for file in snakemake.input], ignore_index=True)
    write_table(table, snakemake.output.metrics)
    wide = table.pivot_table(
        index=["dataset", "method", "k"], columns=["space", "metric"], values="value", sort=False, dropna=False
    )
    wide.columns = [f"{metric} ({space})" for space, metric in wide.columns]
    write_html_table(wide.dropna(how="all").reset_index(), snakemake.output.html)

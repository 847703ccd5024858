"""All methods' tables as one each, mean ranks, and one line per method and dataset."""

import pandas as pd
from _stage import stage

from amucl.clustering.ranking import rank_methods
from amucl.clustering.summary import summary_table
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

NAMES = ["metrics", "restarts", "trust", "survival", "clinical", "enrichment", "stability", "k_choice"]

with stage(snakemake):
    tables = {
        name: pd.concat([read_table(file) for file in snakemake.input[name]], ignore_index=True) for name in NAMES
    }
    reference_k = snakemake.params.reference_k
    tables["ranks"] = rank_methods(tables["metrics"], reference_k=reference_k)
    tables["summary"] = summary_table(
        metrics=tables["metrics"],
        survival=tables["survival"],
        enrichment=tables["enrichment"],
        choice=tables["k_choice"],
        reference_k=reference_k,
    )
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
        if name == "metrics":
            index = ["dataset", "method", "k"]
            warning = table.dropna(subset="warning").drop_duplicates(index).set_index(index)["warning"]
            wide = table.pivot_table(index=index, columns=["space", "metric"], values="value", sort=False, dropna=False)
            wide.columns = [f"{metric} ({space})" for space, metric in wide.columns]
            table = wide.dropna(how="all").join(warning).reset_index()
        if page := snakemake.output.get(f"{name}_html"):
            write_html_table(table, page)

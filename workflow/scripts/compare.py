"""All methods' tables as one each, mean ranks, and one line per method and dataset."""

from _stage import stage

from amucl.comparison.ranking import rank_methods
from amucl.comparison.summary import summary_table, together, wide_metrics
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    tables = {name: together(map(read_table, files)) for name, files in snakemake.input.items()}
    reference_k = snakemake.params.reference_k
    tables["ranks"] = rank_methods(tables["metrics"], reference_k=reference_k)
    tables["summary"] = summary_table(
        **{name: tables[name] for name in ("metrics", "trust", "survival", "enrichment")},
        choice=tables["k_choice"],
        reference_k=reference_k,
    )
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
        if page := snakemake.output.get(f"{name}_html"):
            write_html_table(wide_metrics(table) if name == "metrics" else table, page)

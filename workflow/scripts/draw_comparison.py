"""Put one dataset's methods beside one another: over k, at the reference k, own space against common space."""

from _stage import stage

from amucl.comparison.printed import printed_metrics
from amucl.comparison.summary import suggested_k, summary_table, together
from amucl.figures.confusion import trust_figure
from amucl.figures.dots import methods_on_dataset
from amucl.figures.shades import indices_over_k
from amucl.figures.style import save_figure
from amucl.figures.tables import write_html_table
from amucl.files import read_table

with stage(snakemake):
    tables = {name: together(map(read_table, files)) for name, files in snakemake.input.items()}
    reference_k = {snakemake.wildcards.dataset: snakemake.params.reference_k}
    printed = printed_metrics({snakemake.wildcards.dataset: snakemake.params.published})
    metrics, choice = tables["metrics"], tables["k_choice"]
    summary = summary_table(
        **{name: tables[name] for name in ("metrics", "trust", "survival", "enrichment")},
        choice=choice,
        reference_k=reference_k,
    )
    for name, table in {"summary": summary, "survival": tables["survival"], "clinical": tables["clinical"]}.items():
        write_html_table(table, snakemake.output[f"{name}_html"])
    figures = {
        "indices": indices_over_k(metrics, reference_k=snakemake.params.reference_k, suggested=suggested_k(choice)),
        "methods": methods_on_dataset(together([metrics, printed]), k=snakemake.params.reference_k),
        "trust": trust_figure(tables["trust"]),
    }
    for name, figure in figures.items():
        for path in snakemake.output[name]:
            save_figure(figure, path)

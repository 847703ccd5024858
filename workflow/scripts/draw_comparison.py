"""Put one dataset's methods beside one another: over k, at the reference k, own space against common space."""

import pandas as pd
from _stage import stage

from amucl.clustering.summary import summary_table
from amucl.figures.comparison import bars
from amucl.figures.confusion import trust_figure
from amucl.figures.metrics import metrics_over_k
from amucl.figures.style import save_figure
from amucl.figures.tables import write_html_table
from amucl.files import read_table

NAMES = ["metrics", "trust", "k_choice", "survival", "clinical", "enrichment"]

with stage(snakemake):
    metrics, trust, choice, survival, clinical, enrichment = (
        pd.concat([read_table(file) for file in snakemake.input[name]], ignore_index=True) for name in NAMES
    )
    reference_k = {snakemake.wildcards.dataset: snakemake.params.reference_k}
    suggested = choice.dropna(subset="suggested_k").set_index("method")["suggested_k"].astype(int).to_dict()
    summary = summary_table(
        metrics=metrics, survival=survival, enrichment=enrichment, choice=choice, reference_k=reference_k
    )
    for name, table in {"summary": summary, "survival": survival, "clinical": clinical}.items():
        write_html_table(table, snakemake.output[f"{name}_html"])
    for name, figure in {
        "indices": metrics_over_k(metrics, reference_k=snakemake.params.reference_k, suggested=suggested),
        "bars": bars(metrics, ks=reference_k, space="common"),
        "trust": trust_figure(trust),
    }.items():
        for path in snakemake.output[name]:
            save_figure(figure, path)

"""Draw all methods on all datasets: radars, side by side, mean ranks, survival and clinic."""

from pathlib import Path

from _stage import stage

from amucl.comparison.printed import printed_metrics
from amucl.comparison.summary import together
from amucl.figures.comparison import critical_difference, radar
from amucl.figures.dots import methods_over_datasets
from amucl.figures.stability import enrichment_figure
from amucl.figures.style import save_figure
from amucl.files import read_table


def save(figure, png):
    """Save beside the PNG as PDF and SVG too."""
    for suffix in (".png", ".pdf", ".svg"):
        save_figure(figure, Path(png).with_suffix(suffix))


with stage(snakemake):
    metrics, ranks = (read_table(snakemake.input[name]) for name in ("metrics", "ranks"))
    for (metric, space), file in zip(snakemake.params.radars, snakemake.output.radars, strict=True):
        save(radar(metrics, metric, space), file)
    printed = together([metrics, printed_metrics(snakemake.params.published)])
    for (metric, space), file in zip(snakemake.params.side_by_side, snakemake.output.methods, strict=True):
        save(methods_over_datasets(printed, metric, space, ks=snakemake.params.reference_k), file)
    for names, file in zip(snakemake.params.rankings, snakemake.output.ranks, strict=True):
        chosen = ranks[["metric", "space", "ranking"]].eq(names).all(axis=1)
        save(critical_difference(ranks[chosen]), file)
    survival, enrichment = (read_table(snakemake.input[name]) for name in ("survival", "enrichment"))
    save(enrichment_figure(survival, enrichment, snakemake.params.reference_k), snakemake.output.clinic[0])

"""Cluster subsamples for every k; suggest a k with its evidence."""

from _stage import stage

from amucl.clustering.choice import suggest_k
from amucl.clustering.labels import read_labels
from amucl.clustering.stability import consensus_of, stability_table
from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.stability import choice_of_k, consensus_heatmap
from amucl.figures.style import save_figure
from amucl.files import read_matrix, write_table
from amucl.fitting import read_arrays, write_arrays

with stage(snakemake):
    at, params = snakemake.wildcards, snakemake.params
    embedding = read_matrix(snakemake.input.embedding)
    labels = read_labels(snakemake.input.labels).loc[embedding.index]
    how = {
        "affinity": read_arrays(snakemake.input.affinity)[1]["affinity"] if snakemake.input.affinity else None,
        "n_draws": params.draws,
        "fraction": params.fraction,
        "seed": params.seed,
    }
    table = stability_table(dataset=at.dataset, method=at.method, embedding=embedding, labels=labels, **how)
    choice = suggest_k(table)
    consensus = consensus_of(embedding, params.k, **how)
    write_table(table, snakemake.output.stability)
    write_table(choice, snakemake.output.choice)
    write_arrays(snakemake.output.consensus, list(consensus.index), consensus=consensus.to_numpy())
    known = truth(read_cohort(snakemake.input.cohort), consensus.index)
    pac = table.set_index("k").at[params.k, "pac"]
    figures = {
        "choice_figure": choice_of_k(table, choice.iloc[0], chosen_k=params.k),
        "consensus_figure": consensus_heatmap(
            consensus.to_numpy(), labels.loc[consensus.index, f"k{params.k}"], known, pac=pac
        ),
    }
    for name, figure in figures.items():
        for path in snakemake.output[name]:
            save_figure(figure, path)

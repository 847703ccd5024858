"""Cluster subsamples for every k; suggest a k with its evidence."""

from _stage import stage

from amucl.clustering.choice import suggest_k
from amucl.clustering.stability import consensus_of, stability_table
from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.stability import choice_of_k, consensus_heatmap
from amucl.figures.style import save_figure
from amucl.files import read_arrays, read_matrix, read_table, write_arrays, write_table
from amucl.labels import read_labels

with stage(snakemake):
    at, k = snakemake.wildcards, snakemake.params.k
    embedding = read_matrix(snakemake.input.embedding)
    labels = read_labels(snakemake.input.labels).loc[embedding.index]
    how = {name: snakemake.params[name] for name in ("n_draws", "fraction", "seed")}
    if snakemake.input.affinity:
        how["affinity"] = read_arrays(snakemake.input.affinity)[1]["affinity"]
    table = stability_table(dataset=at.dataset, method=at.method, embedding=embedding, labels=labels, **how)
    choice = suggest_k(table, doubts=read_table(snakemake.input.trust).set_index("k")["warning"].dropna().to_dict())
    consensus = consensus_of(embedding, k, **how)
    write_table(table, snakemake.output.stability)
    write_table(choice, snakemake.output.choice)
    write_arrays(snakemake.output.consensus, list(consensus.index), consensus=consensus.to_numpy())
    known = truth(read_cohort(snakemake.input.cohort), consensus.index)
    pac = table.set_index("k").at[k, "pac"]
    figures = {
        "choice_figure": choice_of_k(table, choice.iloc[0], chosen_k=k),
        "consensus_figure": consensus_heatmap(consensus, labels[f"k{k}"], known, k=k, pac=pac),
    }
    for name, figure in figures.items():
        for path in snakemake.output[name]:
            save_figure(figure, path)

"""Name the genes of a dataset's expression and say how many of them its gene sets know."""

from _stage import stage, tell

from amucl.biology.enrichment import members_of
from amucl.biology.gene_names import gene_names, name_genes
from amucl.biology.gene_overlap import gene_overlap, naming_notes
from amucl.biology.genesets import read_gmt
from amucl.biology.symbols import read_gene_map
from amucl.cohort.cohort import analysis_matrix, read_cohort
from amucl.cohort.notes import note_table
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    source, dataset = snakemake.input, snakemake.wildcards.dataset
    expression = analysis_matrix(read_cohort(source.cohort), "expression")
    collections = dict(zip(plain(snakemake.params.collections), map(read_gmt, source.sets), strict=True))
    members = set().union(*map(members_of, collections.values()))
    names = gene_names(expression.columns, read_gene_map(source.genes) if source.genes else None, members)
    overlap = gene_overlap(names, collections)
    overlap.insert(0, "dataset", dataset)
    notes = naming_notes(names, name_genes(expression, names).shape[1], overlap, members)
    tell(dataset, notes)
    write_table(names, snakemake.output.names)
    write_table(overlap, snakemake.output.overlap)
    write_table(note_table(dataset, notes), snakemake.output.notes)
    write_html_table(overlap, snakemake.output.html, note=" ".join(note.line for note in notes))

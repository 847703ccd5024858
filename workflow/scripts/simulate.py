"""Draw a simulated cohort and lay its tables out as a data provider would."""

from _stage import stage

from amucl.biology.genesets import write_gmt
from amucl.cohort.simulation.simulator import Simulation, simulate
from amucl.files import write_matrix, write_table

with stage(snakemake):
    cohort = simulate(Simulation(**snakemake.params.settings))
    for name, table in cohort.omics.items():
        write_table(table.rename_axis("feature").reset_index(), snakemake.output[name])
    write_matrix(cohort.clinical, snakemake.output.clinical)
    write_gmt(cohort.go, snakemake.output.go)
    write_gmt(cohort.pathways, snakemake.output.pathways)
    write_table(cohort.planted, snakemake.output.planted)

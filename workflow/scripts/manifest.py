"""List the files of the run with their hashes and what made each."""

from _stage import stage

from amucl.files import write_table
from amucl.manifest import manifest

with stage(snakemake):
    write_table(manifest(snakemake.input, timed=snakemake.params.timed), snakemake.output.table)

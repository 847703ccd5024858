"""The genes that stand for each subtype, with their direction."""

from _stage import stage

from amucl.biology.templates import subtype_templates
from amucl.files import read_table, write_table

with stage(snakemake):
    write_table(subtype_templates(read_table(snakemake.input.markers)), snakemake.output.templates)

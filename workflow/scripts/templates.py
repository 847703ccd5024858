"""The genes that stand for each subtype, with their direction, and how well they place patients left out."""

import pandas as pd
from _stage import stage

from amucl.biology.calibration import CALIBRATION_COLUMNS, calibration
from amucl.biology.expression import expression_of
from amucl.biology.templates import subtype_templates
from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort
from amucl.files import read_table, write_table

with stage(snakemake):
    source, params = snakemake.input, snakemake.params
    templates = subtype_templates(read_table(source.markers))
    expression = expression_of(read_cohort(source.cohort), source.genes or None)
    tried = pd.DataFrame(columns=CALIBRATION_COLUMNS)
    if expression is not None:
        labels = read_partition(source.labels)
        labels = labels[labels.index.isin(expression.index)]
        expression = expression.loc[labels.index]
        tried = calibration(expression, labels, templates, seed=params.seed, trend=params.trend)
    write_table(templates, snakemake.output.templates)
    write_table(tried, snakemake.output.calibration)

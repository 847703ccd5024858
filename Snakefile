# AMUCL: cancer subtypes from multi-omics data. The workflow is workflow/Snakefile; this lets `snakemake` work in a clone.
include: "workflow/Snakefile"


# An included file sets no default target.
workflow.default_target = "all"

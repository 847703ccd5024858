"""Bring one file from its source or a mirror."""

from _stage import stage

from amucl.cohort.download import fetch

with stage(snakemake) as used:
    source = snakemake.params.source
    used["mirror"] = fetch(
        source["url"],
        snakemake.output.file,
        mirror=snakemake.config["mirror"],
        mirror_path=source["mirror_path"],
        sha256=source["sha256"],
    ).mirror

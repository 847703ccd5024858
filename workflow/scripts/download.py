"""Bring one file from its source or a mirror; the address, which may hold a password, is looked up here."""

from pathlib import Path

from _stage import stage

from amucl.cohort.sources.download import fetch
from amucl.config import downloadable, load_registry

with stage(snakemake) as used:
    registry = load_registry(Path(snakemake.scriptdir).resolve().parents[1] / "config" / "datasets.yaml")
    source = downloadable(snakemake.config, registry)[snakemake.wildcards.file]
    used["mirror"] = fetch(
        source["url"],
        snakemake.output.file,
        mirror=snakemake.config["mirror"],
        mirror_path=source["mirror_path"],
        sha256=source["sha256"],
    ).mirror

"""From a dataset's entry in the configuration to the reader of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from amucl.cohort.clinical.columns import canonical_clinical, survival_settings
from amucl.cohort.clinical.labelling import join_label_tables
from amucl.cohort.cohort import RawCohort, read_files_cohort
from amucl.cohort.preparation.preprocess import Preprocessing
from amucl.cohort.readers.words import UnknownWords, unknown_words
from amucl.cohort.simulation.reference import read_intersim
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.cohort.sources.joined import join_cohorts
from amucl.cohort.sources.published import read_published
from amucl.cohort.sources.singlecell import read_singlecell
from amucl.cohort.sources.xena import read_xena

OWN_SURVIVAL = ("benchmark", "xena", "joined")  # sources that read overall survival by a rule of their own


def read_source(entry: Mapping[str, Any], omics: Sequence[str], files: Mapping[str, Any]) -> RawCohort:
    """Read a dataset as its `source` wants it; raises what the source's reader raises.

    Parameters
    ----------
    entry : of the configuration, complete; ``label_tables`` are the names of ``labels``, in their order.
    omics : their names.
    files : ``archive`` and ``clinical`` of the benchmark; ``reference`` of intersim, a list; else ``omics``, one file
        for each of `omics`, and ``clinical`` where there is one, and of the Xena hub ``survival``; of a joined dataset
        those of each member, as
        ``{member}.archive``. ``labels`` are the further tables of known labels that the entry names.
    """
    raw = _read(entry, omics, files)
    names = entry.get("label_tables")
    if names:
        raw = join_label_tables(raw, dict(zip(names, files["labels"], strict=True)), words=_words(entry))
    clinical, columns, notes = canonical_clinical(
        raw.clinical,
        entry.get("survival"),
        own_survival=entry["source"] in OWN_SURVIVAL,
        prefixes=names or (),
        covariates=entry.get("covariates"),
    )
    return replace(raw, clinical=clinical, clinical_columns=columns, notes=[*raw.notes, *notes])


def preprocessing_of(entry: Mapping[str, Any]) -> Preprocessing:
    """The settings by which a dataset is prepared, of its complete entry."""
    own = {"counts": counts_declared(entry), "truth": entry["truth"], "n_clusters": entry["n_clusters"]}
    return Preprocessing(**entry["preprocessing"], **own)


def counts_declared(entry: Mapping[str, Any]) -> str | Sequence[str] | None:
    """`Preprocessing.counts` of a dataset: None where the source says what its values are."""
    return entry["counts"] if entry["source"] in ("files", "joined") else None


def _read(entry: Mapping[str, Any], omics: Sequence[str], files: Mapping[str, Any]) -> RawCohort:
    if entry["source"] == "joined":
        members = entry["members"].items()
        return join_cohorts({name: read_source(member, omics, _files_of(name, files)) for name, member in members})
    if entry["source"] == "benchmark":
        return read_benchmark(
            files["archive"],
            cancer=entry["cancer"],
            omics=omics,
            clinical_archive=files["clinical"],
            words=_words(entry),
        )
    if entry["source"] == "intersim":
        return read_intersim(entry, omics, files["reference"])
    tables = dict(zip(omics, files["omics"], strict=True))
    if entry["source"] == "xena":
        return read_xena(
            tables,
            clinical=files["clinical"],
            survival=files["survival"],
            max_missing=entry["preprocessing"].get("max_missing_feature", Preprocessing.max_missing_feature),
            top_probes=entry["top_probes"],
            words=_words(entry),
        )
    if entry["source"] == "intersim_published":
        return read_published(tables, files["clinical"])
    if entry["source"] == "singlecell":
        return read_singlecell(
            tables, files["clinical"], counts=entry["counts"], min_cells=entry["min_cells"], words=_words(entry)
        )
    return read_files_cohort(
        tables,
        clinical=files.get("clinical"),
        orientation=entry.get("orientation", "features_in_rows"),
        tcga=entry.get("tcga_barcodes", False),
        words=_words(entry),
        declared_survival="os" not in survival_settings(entry.get("survival")),
    )


def _words(entry: Mapping[str, Any]) -> UnknownWords:
    """What means unknown in a dataset's tables."""
    return unknown_words(tuple(entry.get("unknown_words", ())), tuple(entry.get("known_words", ())))


def _files_of(member: str, files: Mapping[str, Any]) -> dict[str, Any]:
    prefix = f"{member}."
    return {name.removeprefix(prefix): paths for name, paths in files.items() if name.startswith(prefix)}

"""The embeddings that other methods' authors have published: rivals that stand in a comparison by their own output.

Leng et al., Genome Biology 23 (2022), 171, published what their eight autoencoders made of ten TCGA cancers
(cancer5.zip), six simulated settings (simulations.zip) and 206 single cells (single-cell/).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from amucl.cohort.ids.barcodes import NORMAL_TYPES, TUMOUR_TYPES, parse_barcode
from amucl.cohort.readers.archives import member_names, read_members
from amucl.cohort.readers.text import NUMBER, check_ids, decode
from amucl.errors import AmuclError, some
from amucl.files import require_file

MAX_BYTES = 64 * 2**20

# Late fusion (lf) encodes every omic and then joins the codes: the authors' FAETC. Early fusion (ef) joins the omics
# and then encodes: their FCTAE.
METHODS = {
    "published-lfAE": "AE_FAETC",
    "published-efAE": "AE_FCTAE",
    "published-lfDAE": "DAE_FAETC",
    "published-efDAE": "DAE_FCTAE",
    "published-efVAE": "VAE_FCTAE",
    "published-efSVAE": "SVAE_FCTAE",
    "published-LSTMVAE": "LSTMVAE_FCTAE",
    "published-mmdVAE": "MMDVAE",
}
CANCERS = ("aml", "breast", "colon", "gbm", "kidney", "liver", "lung", "melanoma", "ovarian", "sarcoma")
SIMULATED = tuple(f"{sizes}_{k}" for sizes in ("equal", "heterogeneous") for k in (5, 10, 15))
SINGLE_CELL = "singlecell"
DATASETS = (*SIMULATED, *CANCERS, SINGLE_CELL)


def peer_name(entry: Mapping[str, Any]) -> str:
    """What a dataset of the configuration is called here (see `DATASETS`); empty for one that nobody published."""
    if entry.get("published"):
        return SINGLE_CELL
    return entry.get("cancer") or entry.get("setting", "").replace("/", "_")


def peer_datasets(folder: str | os.PathLike) -> list[str]:
    """Datasets, by their names in the registry, with published embeddings in `folder`.

    Raises AmuclError if there is none, or an archive is damaged.
    """
    listed = {"": [path.as_posix() for path in Path(folder).glob("single-cell/*")]}
    for archive in ("simulations.zip", "cancer5.zip"):
        file = Path(folder, archive)
        listed[archive] = member_names(file) if file.is_file() else []
    found = []
    for dataset in DATASETS:
        place = _place(dataset)
        file = place.path(METHODS["published-lfAE"])
        if any(PurePosixPath(name).match(file) for name in listed[place.archive]):
            found.append(dataset)
    if not found:
        wanted = "simulations.zip, cancer5.zip or single-cell/ with their files"
        raise AmuclError("no published embeddings", where=folder, expected=wanted)
    return found


def peer_files(folder: str | os.PathLike, dataset: str) -> list[str]:
    """The files that hold a dataset's published embeddings: an archive, or one file a method and the true clusters."""
    place = _place(dataset)
    paths = [place.archive] if place.archive else [*map(place.path, METHODS.values()), place.truth]
    return [str(Path(folder, path)) for path in paths]


def read_peers(folder: str | os.PathLike, dataset: str) -> dict[str, pd.DataFrame]:
    """Every method's published embedding of one dataset: method -> (n_samples x n_dimensions), by sample.

    Cancers have 10 dimensions and TCGA barcodes as written, normal tissue among them. Subjects of simulated settings
    are called subject1, subject2, ...; their embeddings are those with as many dimensions as clusters (``*_EM_{k}``),
    because these give the authors' published cluster indices and the 15-dimensional ``*_EM`` do not; LSTMVAE, whose
    indices are not published, is there in 15 dimensions only. Cells are called cell1, cell2, ... (2 dimensions, mmdVAE
    15).

    Raises
    ------
    AmuclError : the dataset is unknown, a file is absent or is no table of numbers, or the files of a dataset are not
        of the same samples.
    """
    place, truth = _place(dataset), peer_truth(folder, dataset)
    paths = {method: place.path(stem) for method, stem in METHODS.items()}
    texts = _texts(folder, place, list(paths.values()))
    peers, samples = {}, None if truth is None else truth.index
    for method, path in paths.items():
        where = place.where(folder, path)
        peers[method] = _embedding(texts[path], where, place.sample)
        samples = peers[method].index if samples is None else samples
        _require_samples(peers[method].index, samples, where)
    return peers


def peer_truth(folder: str | os.PathLike, dataset: str) -> pd.Series | None:
    """Known clusters of a dataset's samples as strings, named as in `read_peers`; None for a cancer.

    Raises AmuclError if the file is absent or a line of it is not one whole number.
    """
    place = _place(dataset)
    if place.sample is None:
        return None
    path = place.truth
    labels = _texts(folder, place, [path])[path].split("\n")
    labels = labels[:-1] if labels[-1] == "" else labels  # some files end without a newline
    for number, label in enumerate(labels, start=1):
        if not re.fullmatch(r"[0-9]+", label):
            line = f"{place.where(folder, path)}, line {number}"
            raise AmuclError("not a cluster", where=line, expected="a whole number", got=repr(label))
    return pd.Series(labels, index=_numbered(place.sample, len(labels)), name="truth", dtype=object)


def named(peers: Mapping[str, pd.DataFrame], truth: pd.Series, cells: pd.Series) -> dict[str, pd.DataFrame]:
    """Nameless published samples by the names that a dataset's table of samples gives them, row by row.

    peers, truth: as `read_peers` and `peer_truth` give them. cells: known label by name, in the order of the table.
    Only the known labels tell that the order is the same one: inside a label it is taken for granted.

    Raises AmuclError if the table has another number of samples or labels that do not match the published clusters.
    """
    pairs = set(zip(truth, cells, strict=False))
    if len(cells) != len(truth) or not len(pairs) == truth.nunique() == cells.nunique(dropna=False):
        raise AmuclError(
            "the published embeddings are not of these samples in this order",
            expected=_sizes(truth),
            got=_sizes(cells),
            action="leave `peers` or this dataset's `published` out",
        )
    return {method: embedding.set_axis(cells.index) for method, embedding in peers.items()}


def matched(embedding: pd.DataFrame, samples: Sequence[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """The part of a published embedding that belongs to a cohort, named and ordered as the cohort's `samples`.

    TCGA barcodes, in any dialect, match by patient and sample type; a cohort's barcode without a type takes the
    patient's first tumour. Normal tissue never matches. Other names match as they are.

    Returns the rows that match, and the counts n_published (rows in all), n_matched, n_normal (normal tissue) and
    n_other (samples that the cohort does not have).
    """
    ours = {_key(sample): sample for sample in samples}
    rows: dict[str, int] = {}
    n_normal = 0
    for row, name in enumerate(embedding.index):
        barcode = parse_barcode(name)
        if barcode is not None and barcode.sample_type in NORMAL_TYPES:
            n_normal += 1
            continue
        sample = ours.get(_key(name))
        if sample is None and barcode is not None and barcode.sample_type in TUMOUR_TYPES:
            sample = ours.get(barcode.patient)
        if sample is not None:
            rows.setdefault(sample, row)
    chosen = pd.Index([sample for sample in samples if sample in rows], name="sample", dtype=object)
    n, n_matched = len(embedding), len(chosen)
    counts = {"n_published": n, "n_matched": n_matched, "n_normal": n_normal, "n_other": n - n_matched - n_normal}
    return embedding.iloc[[rows[sample] for sample in chosen]].set_axis(chosen), counts


@dataclass(frozen=True)
class _Place:
    """Where a dataset lies: archive (none: plain files), folder in it, what its samples are called if nameless."""

    archive: str
    folder: str
    ending: str
    sample: str | None

    def path(self, stem: str) -> str:
        ending = "_EM" if self.archive == "simulations.zip" and stem == METHODS["published-LSTMVAE"] else self.ending
        return f"{self.folder}/{stem}{ending}.txt"

    @property
    def truth(self) -> str:
        return f"{self.folder}/c.txt"

    def where(self, folder: str | os.PathLike, path: str) -> str:
        return f"{Path(folder, self.archive)}:{path}" if self.archive else str(Path(folder, path))


def _place(dataset: str) -> _Place:
    if dataset in CANCERS:
        return _Place("cancer5.zip", dataset, "_EM_add_name", None)
    if dataset in SIMULATED:
        sizes, k = dataset.split("_")
        return _Place("simulations.zip", f"{sizes}/{k}", f"_EM_{k}", "subject")
    if dataset == SINGLE_CELL:
        return _Place("", "single-cell", "_EM", "cell")
    raise AmuclError(
        "no embeddings of this dataset are published",
        expected=", ".join(DATASETS),
        got=dataset,
    )


def _texts(folder: str | os.PathLike, place: _Place, paths: list[str]) -> dict[str, str]:
    if place.archive:
        return read_members(Path(folder, place.archive), paths, max_bytes=MAX_BYTES)
    files = {path: require_file(Path(folder, path), purpose="published file") for path in paths}
    return {path: decode(file.read_bytes(), file) for path, file in files.items()}


def _embedding(text: str, where: str, sample: str | None) -> pd.DataFrame:
    """A table of numbers without a header, by the names of its first column or by number."""
    rows = [line.split() for line in text.rstrip("\n").split("\n")]
    named = int(sample is None)
    width = max(len(rows[0]), named + 1)
    values = np.empty((len(rows), width - named))
    for row, cells in enumerate(rows):
        line = f"{where}, line {row + 1}"
        if len(cells) != width:
            raise AmuclError("wrong number of fields", where=line, expected=width, got=len(cells))
        values[row] = [_number(cell, line) for cell in cells[named:]]
    names = pd.Index([cells[0] for cells in rows], name="sample", dtype=object)
    check_ids(names if named else [], "sample", where)
    return pd.DataFrame(values, index=names if named else _numbered(sample, len(rows)))


def _sizes(labels: pd.Series) -> str:
    """Runs of equal labels, as they follow one another."""
    runs = labels.groupby(labels.ne(labels.shift()).cumsum()).agg(["first", "size"])
    return some([f"{size} x {label}" for label, size in runs.itertuples(index=False)], 10)


def _number(cell: str, where: str) -> float:
    number = float(cell) if NUMBER.fullmatch(cell) else math.nan
    if not math.isfinite(number):
        raise AmuclError("not a finite number", where=where, expected="a number", got=repr(cell))
    return number


def _numbered(sample: str, count: int) -> pd.Index:
    return pd.Index([f"{sample}{number}" for number in range(1, count + 1)], name="sample", dtype=object)


def _require_samples(found: pd.Index, samples: pd.Index, where: str) -> None:
    if not found.equals(samples):
        raise AmuclError(
            "the samples are not those of the dataset's other files",
            where=where,
            expected=f"{len(samples)} samples",
            got=f"{len(found)}, differing in {some(found.symmetric_difference(samples)) or 'their order'}",
        )


def _key(name: str) -> str:
    barcode = parse_barcode(name)
    return name if barcode is None else barcode.sample

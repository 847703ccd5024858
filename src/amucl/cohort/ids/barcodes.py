"""TCGA barcodes: which patient, which tissue, and which one tumour sample speaks for a patient.

Reference: https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

TUMOUR_TYPES = ("01", "03", "06")
NORMAL_TYPES = ("10", "11", "12", "13", "14")

_BARCODE = re.compile(
    r"TCGA[-._](?P<site>[A-Z0-9]{2})[-._](?P<patient>[A-Z0-9]{4})"
    r"(?:[-._](?P<type>[0-9]{2})[A-Z]?(?:[-._][A-Z0-9]+)*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Barcode:
    """A TCGA barcode cut at the sample: ``TCGA-AB-2803`` (patient), ``TCGA-AB-2803-03`` (sample), ``03`` (type).

    At patient level `sample_type` is None and `sample` equals `patient`.
    """

    patient: str
    sample: str
    sample_type: str | None


def parse_barcode(text: str) -> Barcode | None:
    """The barcode in `text`, or None if it holds none.

    Accepted: separators ``-``, ``.``, ``_``; either case; a vial letter (``01A``); the longer aliquot barcodes.
    """
    match = _BARCODE.fullmatch(text.strip())
    if match is None:
        return None
    patient = f"TCGA-{match['site']}-{match['patient']}".upper()
    sample_type = match["type"]
    return Barcode(patient, patient if sample_type is None else f"{patient}-{sample_type}", sample_type)


def choose_tumour_samples(
    ids: Iterable[str],
    sample_types: tuple[str, ...] = TUMOUR_TYPES,
    *,
    prefer: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Choose one tumour sample per patient and account for every other id.

    A patient keeps the sample of its preferred type (`prefer`, patient -> type) if there is one, else the first by the
    order of `sample_types`, then by barcode. A barcode at patient level counts as a tumour, after all others.

    Returns a table with one row per id, in the order given: column, patient, sample, sample_type, status
    (``kept`` or ``dropped``), reason.
    """
    prefer = prefer or {}
    columns = list(ids)
    barcodes = [parse_barcode(column) for column in columns]
    candidates: dict[str, list[tuple]] = {}
    for position, (column, barcode) in enumerate(zip(columns, barcodes, strict=True)):
        if barcode is not None and barcode.sample_type in (*sample_types, None):
            rank = len(sample_types) if barcode.sample_type is None else sample_types.index(barcode.sample_type)
            preferred = prefer.get(barcode.patient) == barcode.sample_type
            candidates.setdefault(barcode.patient, []).append((not preferred, rank, column, position))
    chosen = {patient: min(found)[-1] for patient, found in candidates.items()}

    def row(position: int, barcode: Barcode | None) -> tuple:
        column = columns[position]
        if barcode is None:
            return column, None, column, None, "dropped", "not a TCGA barcode"
        known = (column, barcode.patient, barcode.sample, barcode.sample_type)
        if barcode.sample_type in NORMAL_TYPES and barcode.sample_type not in sample_types:
            return *known, "dropped", f"normal tissue (sample type {barcode.sample_type})"
        if barcode.sample_type not in (*sample_types, None):
            return *known, "dropped", f"sample type {barcode.sample_type} is not among {', '.join(sample_types)}"
        keeper = chosen[barcode.patient]
        if keeper != position:
            return *known, "dropped", f"the patient is represented by {columns[keeper]}"
        return *known, "kept", "" if barcode.sample_type else "barcode without a sample type, taken as a tumour"

    rows = [row(position, barcode) for position, barcode in enumerate(barcodes)]
    return pd.DataFrame(rows, columns=["column", "patient", "sample", "sample_type", "status", "reason"], dtype=object)

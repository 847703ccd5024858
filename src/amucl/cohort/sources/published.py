"""The published simulated settings of the benchmark of Leng et al., Genome Biology 23 (2022), 171.

They were drawn with InterSIM (Chalise et al., Comput. Methods Programs Biomed. 128, 2016, 69-74): 100 subjects in 5, 10
or 15 clusters of equal or of unequal size, with methylation, expression and protein.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import pandas as pd

from amucl.cohort.cohort import RawCohort, assemble
from amucl.cohort.readers.tables import read_clinical, read_omic
from amucl.cohort.readers.text import check_ids
from amucl.errors import AmuclError, some

SUBJECT, CLUSTER = "subjects", "cluster.id"


def read_published(omics: Mapping[str, str | os.PathLike], clusters: str | os.PathLike) -> RawCohort:
    """Read one published setting: every subject a patient, its planted cluster in the clinical column ``cluster``.

    Parameters
    ----------
    omics : omic -> table with features in rows.
    clusters : table as R writes it, with columns ``subjects`` and ``cluster.id`` beside the row names.

    Raises
    ------
    AmuclError : a file is missing or malformed, or an omic and the clusters are not of the same subjects.
    """
    planted = _read_clusters(clusters)
    tables = {omic: read_omic(path, omic=omic) for omic, path in omics.items()}
    for omic, table in tables.items():
        differing = table.index.symmetric_difference(planted.index)
        if len(differing):
            raise AmuclError(
                f"{omic} and the clusters are not of the same subjects", where=omics[omic], got=some(differing)
            )
    return assemble(tables, clinical=planted, clinical_where=clusters)


def _read_clusters(path: str | os.PathLike) -> pd.DataFrame:
    table = read_clinical(path)
    if list(table.columns) != [SUBJECT, CLUSTER]:
        wanted = f"columns {SUBJECT}, {CLUSTER} beside the row names"
        raise AmuclError("not a table of clusters", where=path, expected=wanted, got=some(table.columns))
    lacking = table.index[table.isna().any(axis=1)]
    if len(lacking):
        raise AmuclError("a subject or cluster is missing", where=f"{path}, row {some(lacking)}")
    subjects = table[SUBJECT].astype(str)
    check_ids(subjects, "sample", path, place="line")
    return pd.DataFrame({"cluster": table[CLUSTER].to_numpy()}, index=pd.Index(subjects, name="sample"))

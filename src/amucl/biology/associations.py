"""Which values of clinical labels and known classes gather in each subtype, subtype by subtype."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from amucl.biology.clinical import find_labels, known_values, label_values, require_column
from amucl.biology.correction import benjamini_hochberg
from amucl.cohort.clinical.classes import class_names
from amucl.labels import subtype_order

ASSOCIATION_COLUMNS = [
    "subtype", "kind", "label", "column", "level", "n_both", "n_subtype", "n_level", "n", "inside", "outside",
    "odds_ratio", "jaccard", "p", "padj", "status",
]  # fmt: skip
CLASS, LABEL = "class", "label"

# Columns of TCGA's clinical tables that hold classes others have found, and what people call them.
KNOWN_CLASSES = {
    "leukemia_french_american_british_morphology_code": "FAB",
    "FAB": "FAB",
    "acute_myeloid_leukemia_calgb_cytogenetics_risk_category": "Cytogenetic risk (CALGB)",
    "PAM50Call_RNAseq": "PAM50 (RNA-seq)",
    "PAM50_mRNA_nature2012": "PAM50 (microarray)",
    "Integrated_Clusters_with_PAM50__nature2012": "TCGA integrated clusters",
    "miRNA_Clusters_nature2012": "TCGA miRNA clusters",
    "methylation_Clusters_nature2012": "TCGA methylation clusters",
    "RPPA_Clusters_nature2012": "TCGA protein clusters",
    "GeneExp_Subtype": "TCGA expression subtype",
    "histological_type": "Histology",
}
_OWN_CLUSTERS = re.compile(r"_PANCAN_(DNAMethyl|mirna)_(?!PANCAN)[A-Z]+")  # of the cancer, not of all cancers together
_CLUSTERED = {"DNAMethyl": "TCGA methylation clusters", "mirna": "TCGA miRNA clusters"}

# Words by which a further table's column of classes is known; it may hold outcomes, treatments and ids beside them.
_CLASS_WORDS = re.compile(r"subtype|subgroup|cluster|class|label|risk|histolog|(?<![a-z])fab(?![a-z])", re.IGNORECASE)

N_ANNOTATIONS = 3
_MAX_CLASSES = 2
_MAX_SHOWN = 10  # colours of a legend that can be told apart

_MIN_LEVEL = 3  # a value that fewer patients have can hardly gather anywhere
_MAX_LEVELS = 30  # more are free text


def known_classes(
    clinical: pd.DataFrame,
    truth: Sequence[str] = (),
    label_tables: Sequence[str] = (),
    named: Sequence[str] | None = None,
) -> dict[str, str]:
    """The columns of a clinical table that hold classes known beforehand: name -> column.

    Parameters
    ----------
    clinical : samples x columns.
    truth : columns of the reference labels, each of its own name.
    label_tables : names of further tables, joined as ``{name}.{column}``
        (`amucl.cohort.clinical.labelling.join_label_tables`).
    named : columns that the user says are classes, each of its own name: these and `truth` are all. Without them they
        are found by `KNOWN_CLASSES`, and in the further tables by a word in their name (`_CLASS_WORDS`).

    Returns
    -------
    A second column of one name has its own in brackets. One that groups the patients just as one before it, and is
    known for none beside them, is left out.

    Raises
    ------
    AmuclError if a column of `named` is absent.
    """
    for column in named or ():
        require_column(clinical, column, key="known_classes")
    chosen = [*truth, *(named or ())]
    found: dict[str, str] = {}
    for column in sorted(clinical, key=lambda column: column not in chosen):
        name = column if column in chosen else _name_of_classes(column, label_tables) if named is None else None
        if name and not any(_repeats(clinical[column], clinical[other]) for other in found.values()):
            found[f"{name} ({column})" if name in found else name] = column
    return found


def _name_of_classes(column: str, label_tables: Sequence[str]) -> str | None:
    """What the classes of a column are called, or None if its name does not tell that it holds classes."""
    if column in KNOWN_CLASSES:
        return KNOWN_CLASSES[column]
    if own := _OWN_CLUSTERS.fullmatch(column):
        return _CLUSTERED[own[1]]
    table, _, own_name = column.partition(".")
    return column if table in label_tables and _CLASS_WORDS.search(own_name) else None


def _repeats(cells: pd.Series, earlier: pd.Series) -> bool:
    """Whether `cells` say nothing of the patients' classes that `earlier` does not say."""
    ours, theirs = known_values(cells).astype(str), known_values(earlier).astype(str)
    if ours.empty or not ours.index.isin(theirs.index).all():
        return False
    pairs = pd.DataFrame({"ours": ours, "theirs": theirs[ours.index]}).drop_duplicates()
    return not (pairs["ours"].duplicated().any() or pairs["theirs"].duplicated().any())


def associations(
    clinical: pd.DataFrame, labels: pd.Series, classes: Mapping[str, str], extra: Sequence[str] = ()
) -> pd.DataFrame:
    """Test every value of every label and known class for more patients of a subtype than chance.

    A category's value is tested by the hypergeometric distribution (Fisher's exact test, one side: more inside), a
    measurement (age) by Mann-Whitney's test against the other patients (both sides). Patients of whom the label is not
    known do not count. P are corrected together, over all subtypes, labels and values.

    Parameters
    ----------
    clinical : samples x columns. labels : subtype of each sample.
    classes : name -> column of classes known beforehand (`known_classes`).
    extra : columns to test beside those of `find_labels`.

    Returns
    -------
    Columns `ASSOCIATION_COLUMNS`. kind is ``class`` or ``label``; inside and outside are the shares of the value among
    the patients of the subtype and among the others, or of a measurement (level missing) the medians; jaccard is
    n_both / (n_subtype + n_level - n_both). A label that cannot be tested has one row, without subtype, and a status:
    ``known for under half``, ``one level`` or ``too many levels``; tested ones have ``ok``. Values of fewer than 3
    patients are left out.
    """
    clinical = clinical.reindex(labels.index)
    used = set(classes.values())
    own = {label: column for label, column in find_labels(clinical, extra).items() if column not in used}
    rows = []
    for kind, columns in ((LABEL, own), (CLASS, classes)):
        for label, column in columns.items():
            about = {"kind": kind, "label": label, "column": column}
            values = _values(label, clinical[column], kind)
            status = _status(values, len(labels))
            tested = [{}] if status != "ok" else _tests(values, labels[values.index], subtype_order(labels))
            rows += [about | {"status": status} | row for row in tested]
    table = pd.DataFrame(rows, columns=ASSOCIATION_COLUMNS)
    return table.assign(padj=benjamini_hochberg(table["p"].astype(float)))


def nearest_classes(table: pd.DataFrame) -> pd.DataFrame:
    """For every subtype and known class the value that shares most patients with it (largest Jaccard index).

    table : of `associations`. Of values with equal indices the one of smaller P is taken. A subtype that shares no
    patient with any value has no row.
    """
    found = table[(table["kind"] == CLASS) & table["level"].notna() & (table["n_both"] > 0)]
    best = found.sort_values(["jaccard", "p", "level"], ascending=[False, True, True], kind="stable")
    return best.drop_duplicates(["subtype", "label"]).sort_index()


def annotations(clinical: pd.DataFrame, classes: Mapping[str, str], extra: Sequence[str] = ()) -> pd.DataFrame:
    """The few columns that a figure of the subtypes shows above them: known classes, then age, then other labels.

    Of the classes those that the user names come first, then those in the order of `KNOWN_CLASSES`.

    clinical, classes, extra : as in `associations`. Left out are those that cannot be tested there, and categories of
    more than 10 values.

    Returns
    -------
    samples x at most `N_ANNOTATIONS` names, missing where not known.
    """
    used = set(classes.values())
    labels = {label: column for label, column in find_labels(clinical, extra).items() if column not in used}
    found = _shown(clinical, dict(sorted(classes.items(), key=_prominence)), CLASS)[:_MAX_CLASSES]
    found += _shown(clinical, dict(sorted(labels.items(), key=lambda item: item[0] != "age")), LABEL)
    return pd.DataFrame(dict(found[:N_ANNOTATIONS]), index=clinical.index)


def _prominence(item: tuple[str, str]) -> int:
    name, column = item
    if column in KNOWN_CLASSES:
        return 1 + list(KNOWN_CLASSES).index(column)
    return 0 if name == column else 1 + len(KNOWN_CLASSES)


def _shown(clinical: pd.DataFrame, columns: Mapping[str, str], kind: str) -> list[tuple[str, pd.Series]]:
    found = []
    for name, column in columns.items():
        values = _values(name, clinical[column], kind)
        few = pd.api.types.is_numeric_dtype(values) or values.nunique() <= _MAX_SHOWN
        if few and _status(values, len(clinical)) == "ok":
            found.append((name, values))
    return found


def _values(label: str, cells: pd.Series, kind: str) -> pd.Series:
    """The known values: numbers where a label is measured, else text; classes are always text."""
    values = label_values(label, cells)
    if kind == LABEL and pd.api.types.is_numeric_dtype(values):
        return values
    return class_names(known_values(cells)).astype(object)


def _status(values: pd.Series, n: int) -> str:
    if 2 * len(values) < n:
        return "known for under half"
    if values.nunique() < 2:
        return "one level"
    if not pd.api.types.is_numeric_dtype(values) and values.nunique() > _MAX_LEVELS:
        return "too many levels"
    return "ok"


def _tests(values: pd.Series, labels: pd.Series, subtypes: list) -> list[dict]:
    """One row per subtype that has a known value, and value."""
    compare = _measured if pd.api.types.is_numeric_dtype(values) else _counted
    rows = []
    for subtype in subtypes:
        inside = (labels == subtype).to_numpy()
        if 0 < inside.sum() < len(inside):
            rows += [{"subtype": subtype} | row for row in compare(values, inside)]
    return rows


def _measured(values: pd.Series, inside: np.ndarray) -> list[dict]:
    ours, others = values[inside], values[~inside]
    return [
        {
            "n_subtype": len(ours),
            "n": len(values),
            "inside": ours.median(),
            "outside": others.median(),
            "p": float(stats.mannwhitneyu(ours, others).pvalue),
        }
    ]


def _counted(values: pd.Series, inside: np.ndarray) -> list[dict]:
    n, n_subtype = len(values), int(inside.sum())
    rows = []
    for level, n_level in values.value_counts().sort_index().items():
        if n_level < _MIN_LEVEL:
            continue
        n_both = int((values[inside] == level).sum())
        outside = n_level - n_both
        against = outside * (n_subtype - n_both)
        rows.append(
            {
                "level": level,
                "n_both": n_both,
                "n_subtype": n_subtype,
                "n_level": int(n_level),
                "n": n,
                "inside": n_both / n_subtype,
                "outside": outside / (n - n_subtype),
                "odds_ratio": n_both * (n - n_subtype - outside) / against if against else np.inf,
                "jaccard": n_both / (n_subtype + n_level - n_both),
                "p": float(stats.hypergeom.sf(n_both - 1, n, n_level, n_subtype)),
            }
        )
    return rows

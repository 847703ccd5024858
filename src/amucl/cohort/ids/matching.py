"""Which ids of several files name one patient, however each file spells them.

Ids are one where they are equal as written; else, level by level, where they are equal in a looser sense and nothing
else is (`LEVELS`). An id that could be two others is matched with none: it is counted as ambiguous.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from amucl.cohort.ids.barcodes import NORMAL_TYPES, parse_barcode
from amucl.cohort.notes import Note
from amucl.errors import counted

_SEPARATORS = re.compile(r"[\W_]+")  # R's make.names puts a dot for each of them
_R_PREFIX = re.compile(r"^x(?=[\W_]?\d)")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_LEADING_BUT_NO_DECIMALS = re.compile(r"(?<!\d)(?<!\d\.)0+(?=\d)")  # 1.05 is not 1.5
_WHOLE_FLOAT = re.compile(r"(\d+)\.0+")
_SHORTENED = re.compile(r"\d(?:\.\d)?e\+\d\d")  # 1e+05 is what R writes for 100000
_DECIMAL = re.compile(r"\d+[.,]\d+")
_UNICODE = "Unicode form or spaces"
_PREFIX = "length"
_SHOWN = 3
_FILE_SUFFIX = re.compile(
    r"(\.(gz|bam|sam|cram|txt|tsv|csv|cel|idat|sf|fastq|fq|results|genes|isoforms|sorted|dedup|markdup|rmdup|filtered|out)"
    r"|[._-](counts?|quant|featurecounts|htseq|rsem|sortedbycoord)|[._-]?(aligned|readspergene))$",
    re.IGNORECASE,
)

Item = tuple[str, str]  # file and id


def _plain(name: str) -> str:
    if name.isascii():
        return " ".join(name.split())
    return " ".join(unicodedata.normalize("NFKC", name).split())


def _folded(name: str) -> str:
    if name.isascii():
        return " ".join(name.lower().split())
    return unicodedata.normalize("NFKC", _plain(name).casefold())


def _separated(name: str) -> str:
    return _SEPARATORS.sub("-", _R_PREFIX.sub("", _folded(name), count=1))


def _without_zeros(name: str) -> str:
    plain = _R_PREFIX.sub("", _folded(name), count=1)
    return _SEPARATORS.sub("-", _LEADING_BUT_NO_DECIMALS.sub("", plain))


def _as_number(name: str) -> str:
    return _without_zeros(whole_number(name) or name)


def whole_number(name: str) -> str | None:
    """The digits of a whole number that is written as 12.0 or, as R does, 1e+05; None for any other id."""
    plain = _R_PREFIX.sub("", _folded(name), count=1)
    if found := _WHOLE_FLOAT.fullmatch(plain):
        return found[1]
    if _SHORTENED.fullmatch(plain) and int(plain[-2:]) < 16:
        return f"{float(plain):.0f}"
    return None


def file_stem(name: str) -> str:
    """The sample of a file's name, as featureCounts and HTSeq write it: /data/P001.sorted.bam is P001.

    A name without such a suffix is none of a file: siteA/P001 and siteB/P001 are two patients.
    """
    plain = stem = _plain(name)
    while (shorter := _FILE_SUFFIX.sub("", stem)) not in ("", stem):
        stem = shorter
    return _without_zeros(plain if stem == plain else re.split(r"[/\\]", stem)[-1])


def _tcga_sample(name: str) -> str | None:
    barcode = parse_barcode(_plain(name))
    return barcode.sample if barcode and barcode.sample_type else None


# What each level calls equal, from strict to loose; None takes no part.
LEVELS: dict[str, Callable[[str], str | None]] = {
    _UNICODE: _plain,
    "case": _folded,
    "separators, or the X of R before digits": _separated,
    "leading zeros": _without_zeros,
    "how a whole number is written": _as_number,
    "portion and analyte of TCGA barcodes": _tcga_sample,
    "the folder and suffixes of a file": file_stem,
}


@dataclass
class Matches:
    """Which ids are one.

    Attributes
    ----------
    name : (file, id) -> the name that all ids of this patient have: as the first file that has the patient writes it.
    level : (file, id) -> what the id differs in from that name; ids as written are absent.
    ambiguous : file -> id -> ids of other files that it could have been, but for others that could be too.
    """

    name: dict[Item, str]
    level: dict[Item, str] = field(default_factory=dict)
    ambiguous: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def match_ids(files: Mapping[str, Iterable[str]], spellings: Mapping[Item, str] | None = None) -> Matches:
    """Find the ids that name one patient.

    Ids of one file are distinct patients. A level joins those of several files whose keys are equal where no file has
    two with that key; after `LEVELS`, an id is joined with one that begins with it at a separator (``TCGA-AB-2803`` and
    ``TCGA-AB-2803-03A``, ``P-0001`` and ``P-0001-T01``) where nothing else of the other files begins so. Who is one
    with whom does not depend on the order of files or ids; the names do, by the first file. Time and memory grow with
    the number of ids.

    Parameters
    ----------
    files : file -> its ids, each once.
    spellings : (file, another spelling) -> the id of that file which it stands for.
    """
    items = [(file, name) for file, names in files.items() for name in names]
    groups = _Groups(items)
    stands_for = {item: item for item in items}
    _join_equal(groups, stands_for, _written)
    for (file, other), name in (spellings or {}).items():
        stands_for.setdefault((file, other), (file, name))
    _join_equal(groups, stands_for, _written)
    level: dict[Item, str] = {}
    ambiguous: dict[Item, list[Item]] = {}
    steps = [(said, lambda key=key: _join_equal(groups, stands_for, key)) for said, key in LEVELS.items()]
    for said, step in [*steps, (_PREFIX, lambda: _join_prefixes(groups, stands_for))]:
        joined, unsure = step()
        level = dict.fromkeys(joined, said) | level
        ambiguous = unsure | ambiguous
    return _named(groups, items, level, ambiguous)


def match_notes(matches: Matches, file: str, *, source: str, other: str) -> list[Note]:
    """What is told of the ids of one file: a note for each level, and one of those that stay ambiguous.

    file : of `match_ids`. source : of the notes. other : what the ids were compared with, in words.
    """
    found: dict[str, list[str]] = {}
    for (where, name), said in matches.level.items():
        if where == file:
            shown = ascii if said == _UNICODE else repr  # what looks alike is told apart by its codes
            found.setdefault(said, []).append(f"{shown(name)} = {shown(matches.name[where, name])}")
    notes = []
    for said, pairs in found.items():
        text = f"{counted(len(pairs), 'id')} unlike those of {other} in {said} only, taken as the same"
        notes.append(Note(source, f"ids that differ in {said}", len(pairs), f"{text}: {', '.join(pairs[:_SHOWN])}"))
    unsure = matches.ambiguous.get(file, {})
    if unsure:
        pairs = [f"{name!r} ({' or '.join(map(repr, names[:2]))})" for name, names in unsure.items()]
        text = f"{counted(len(unsure), 'id')} like several of {other}, or one of several like the same, matched"
        told = f"{text} with none: {', '.join(pairs[:_SHOWN])}; spell the ids alike in all files"
        notes.append(Note(source, "ambiguous ids", len(unsure), told))
    return notes


def barcode_note(names: Sequence[str]) -> Note | None:
    """A word where ids taken as written are TCGA barcodes of normal tissue, or several of one patient."""
    barcodes = [barcode for barcode in map(parse_barcode, names) if barcode]
    if 2 * len(barcodes) <= len(names):
        return None
    normal = sum(barcode.sample_type in NORMAL_TYPES for barcode in barcodes)
    several = len(barcodes) - len({barcode.patient for barcode in barcodes})
    if not (normal or several):
        return None
    told = (
        f"ids look like TCGA barcodes: {normal} are of normal tissue, {several} are further samples of a patient; each "
        "counts as a patient of its own, as written; set `tcga_barcodes: true` to keep one tumour sample per patient"
    )
    return Note("cohort", "TCGA barcodes", normal + several, told)


def _written(name: str) -> str:
    return name


class _Groups:
    """Disjoint sets of items that are one patient; of each file at most one item."""

    def __init__(self, items: Iterable[Item]):
        self.of = {item: position for position, item in enumerate(items)}
        self.members = {position: [item] for item, position in self.of.items()}

    def join(self, numbers: set[int]) -> list[Item]:
        """The members of these sets, now one; empty, and nothing joined, where a file has two of them."""
        members = sorted(item for number in numbers for item in self.members[number])
        if len({file for file, _ in members}) < len(members):
            return []
        kept = min(numbers)
        for number in numbers - {kept}:
            del self.members[number]
        self.of |= dict.fromkeys(members, kept)
        self.members[kept] = members
        return members

    def rivals(self, numbers: set[int]) -> dict[Item, list[Item]]:
        """For every member of these sets the first few members that stand in other files."""
        everyone = sorted(item for number in numbers for item in self.members[number])
        shown: dict[str, list[Item]] = {}
        for item in everyone:
            if len(shown.setdefault(item[0], [])) < _SHOWN:
                shown[item[0]].append(item)
        found = {item: [other for file in shown if file != item[0] for other in shown[file]] for item in everyone}
        return {item: others for item, others in found.items() if others}


def _join_equal(
    groups: _Groups, stands_for: Mapping[Item, Item], key: Callable[[str], str | None]
) -> tuple[list[Item], dict[Item, list[Item]]]:
    """Join the items of one key. Returns those joined, and those that could not be with what they could be."""
    keyed: dict[str, list[Item]] = {}
    for (_, name), item in stands_for.items():
        own = key(name)
        if own is not None:
            keyed.setdefault(own, []).append(item)
    joined, unsure = [], {}
    for members in keyed.values():
        numbers = {groups.of[item] for item in members}
        if len(numbers) > 1:
            together = groups.join(numbers)
            joined += together
            unsure |= {} if together else groups.rivals(numbers)
    return joined, unsure


def _join_prefixes(groups: _Groups, stands_for: Mapping[Item, Item]) -> tuple[list[Item], dict[Item, list[Item]]]:
    """Join items of which one begins the other, where nothing else does."""
    at: dict[tuple[str, ...], list[Item]] = {}
    for (_, name), item in stands_for.items():
        at.setdefault(id_tokens(name), []).append(item)
    longer: dict[tuple[str, ...], list[Item]] = {}
    begun: list[tuple[str, ...]] = []
    for tokens in sorted(at):
        while begun and tokens[: len(begun[-1])] != begun[-1]:
            begun.pop()
        for shorter in begun:
            longer.setdefault(shorter, []).extend(at[tokens])
        begun.append(tokens)
    joined, unsure = [], {}
    for tokens in sorted(longer, key=lambda tokens: (-len(tokens), tokens)):
        own, below = ({groups.of[item] for item in found[tokens]} for found in (at, longer))
        if own == below:
            continue
        together = groups.join(own | below) if len(own) == len(below) == 1 else []
        joined += together
        unsure |= {} if together else groups.rivals(own | below)
    return joined, unsure


def id_tokens(name: str) -> tuple[str, ...]:
    """The parts between separators; a TCGA vial's letter is a part of its own (03A of sample type 03)."""
    if _DECIMAL.fullmatch(name):
        return (name,)
    plain = _R_PREFIX.sub("", _folded(name), count=1)
    if _DECIMAL.fullmatch(plain):
        return (plain,)
    tokens = [_LEADING_ZEROS.sub("", token) for token in _SEPARATORS.split(plain)]
    if len(tokens) > 3 and parse_barcode(_plain(name)):
        tokens[3:4] = re.split(r"(?<=\d)(?=[a-z])", tokens[3])
    return tuple(tokens)


def _named(
    groups: _Groups, items: Sequence[Item], level: Mapping[Item, str], ambiguous: Mapping[Item, set[Item]]
) -> Matches:
    first: dict[int, str] = {}
    for item in items:
        first.setdefault(groups.of[item], item[1])
    name = {item: first[groups.of[item]] for item in items}
    different = {item: level[item] for item in items if item in level and name[item] != item[1]}
    left: dict[str, dict[str, list[str]]] = {}
    for item in items:
        if item in ambiguous and len(groups.members[groups.of[item]]) == 1:
            left.setdefault(item[0], {})[item[1]] = sorted({name for _, name in ambiguous[item]})
    return Matches(name, different, left)

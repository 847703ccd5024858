"""The configuration of a run: validated before anything starts, completed with defaults and the registry.

A mistake ends in one line that names the key, what was found and what is allowed.
"""

from __future__ import annotations

import copy
import difflib
import re
import reprlib
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlparse

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from amucl.cohort.readers.text import decode
from amucl.cohort.simulation.intersim import OBJECTS, cluster_sizes
from amucl.configfiles import yaml_error
from amucl.errors import AmuclError
from amucl.extent import check_extent, too_deep
from amucl.files import require_file
from amucl.methods.registry import METHODS, hyperparameters
from amucl.redaction import plain_query
from amucl.resources import resource

# Folders of results/ beside those of the datasets.
FOLDERS = frozenset({"benchmarks", "comparison", "downloads", "logs", "peers", "truth"})
DEFAULT_K = 6
JOINABLE = ("benchmark", "files")
CLINICAL_ARCHIVE = "benchmark/clinical.zip"
XENA_FOLDER = "xena"
LABEL_FOLDER = "labels"
INTERSIM_FILES = {
    "methylation": "omics1.txt",
    "expression": "omics2.txt",
    "protein": "omics3.txt",
    "clinical": "clusters.txt",
}
INTERSIM_FOLDER = "intersim"
TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
}
PATTERNS = {
    "^[A-Za-z][A-Za-z0-9_]*$": "a name of letters (a to z), digits and _ that begins with a letter",
    "^[0-9a-f]{64}$": "64 hexadecimal digits",
    "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$": "a file's name of letters (a to z), digits, _, . and -",
    "^[a-z]+$": "small letters (a to z)",
    "^[A-Z]+$": "capital letters (A to Z)",
    "^https?://": "an http or https URL",
    "^(https?://.+/)?[A-Za-z0-9_.-]+[.](RDS|npy)$": "a URL or name of an .RDS or .npy file",
    "^(https?://.+/)?[A-Za-z0-9_.-]+[.](RDS|tsv|txt|csv)$": "a URL or name of an .RDS or text file",
    "^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$": "a folder below that of the downloads",
}
SCHEMA_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "None": "null"}

_MERGE = "tag:yaml.org,2002:merge"

# JSON counts 3.0 as an integer; ranges and file names do not.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)

# A value of a file may be of any size, a message may not.
_PLAIN_PATH = "a path without braces and line ends, and without a word between < and >"
_MOST_MERGED = 10_000
_LIMITED = reprlib.Repr()
_LIMITED.maxlevel, _LIMITED.maxstring, _LIMITED.maxother = 2, 200, 200

# What every method is told by the workflow itself.
WORKFLOW_PARAMETERS = {"n_clusters", "random_state", "n_threads", "device"}


def load_registry(path: str | Path) -> dict[str, Any]:
    """The datasets and gene sets a configuration can name: {"datasets": ..., "gene_sets": ...}, validated."""
    registry = {"datasets": {}, "gene_sets": {}, **_read_yaml(path)}
    definitions = _schema("datasets")["$defs"]
    for kind in ("datasets", "gene_sets"):
        entries = registry[kind]
        wrong = {kind: entries} if not isinstance(entries, dict) else entries
        for name, entry in wrong.items():
            if not isinstance(entry, dict):
                place = name if wrong is not entries else f"{kind}.{name}"
                raise AmuclError(
                    "no mapping", where=f"{path}: {place}", expected="names with entries", got=_LIMITED.repr(entry)
                )
    for name, entry in registry["datasets"].items():
        _validate_dataset(entry or {}, f"{path}: datasets.{name}")
    for name, entry in registry["gene_sets"].items():
        _validate(entry, definitions["gene_set"], f"{path}: gene_sets.{name}")
    return registry


def resolve(config: dict[str, Any], registry: dict[str, Any], *, rules: Collection[str] = ()) -> dict[str, Any]:
    """The configuration as the workflow uses it: validated, defaults filled in, every dataset's entry complete.

    Parameters
    ----------
    config : as read from YAML and the command line.
    registry : as `load_registry` returns it.
    rules : names of the workflow's rules: each dataset is a target beside them, and none may have their names.

    Returns a new dict. `datasets` maps names to complete entries, and so does `members` of a joined one; `biology` is a
    list of complete choices; `ks` of an entry lists every k to be evaluated on it. Raises AmuclError for the first
    mistake found.
    """
    check_extent(config, "the configuration")
    _check_targets(config.get("datasets"), rules)
    resolved = _validate(copy.deepcopy(config), _schema("config"))
    resolved["preprocessing"] = _validate(
        resolved["preprocessing"], _schema("datasets")["$defs"]["preprocessing"], "preprocessing"
    )
    resolved["datasets"] = {
        name: _dataset(name, entry, resolved, registry) for name, entry in resolved["datasets"].items()
    }
    for name, entry in resolved["datasets"].items():
        if entry["source"] == "joined":
            entry["members"] = _members(name, entry, resolved, registry)
            entry["n_clusters"] = entry["n_clusters"] or len(entry["members"])
            entry["counts"] = _joined_counts(entry, f"datasets.{name}")
        if entry["source"] == "intersim":
            _check_sizes(f"datasets.{name}", entry)
        if entry["source"] == "singlecell":
            _check_cells(f"datasets.{name}", entry)
    omics = dict.fromkeys(omic for entry in resolved["datasets"].values() for omic in _omics(entry))
    _check_omics(resolved["preprocessing"], omics, "preprocessing")
    _check_names(resolved["variance_trend"], omics, "variance_trend", "omic of this run")
    _check_names(resolved["methods"], METHODS, "methods", "method")
    _check_method_settings(resolved["method_settings"])
    _check_sweep(resolved)
    _check_mirror(resolved["mirror"])
    _check_paths(resolved)
    _check_files(_entries_read(resolved))
    _check_gene_maps(resolved)
    _check_label_tables(resolved)
    _check_gene_sets(resolved, registry)
    _check_downloads(resolved, registry)
    _choose_clustered(resolved)
    resolved["biology"] = _biology(resolved)
    resolved["predict"] = _predictions(resolved)
    for name, entry in resolved["datasets"].items():
        chosen = {one.get("k") for one in resolved["biology"] + resolved["predict"] if one["dataset"] == name}
        entry["ks"] = sorted({*resolved["k"], *chosen - {None, "auto"}, *filter(None, [entry["n_clusters"]])})
    return resolved


def gene_set_file(name: str, registry: dict[str, Any], downloads: str) -> str:
    """The path of a gene-set collection: a registry name or a URL lies among the downloads, a path is itself."""
    if name in registry["gene_sets"] or _is_url(name):
        return f"{downloads}/{gene_set_source(name, registry)['mirror_path']}"
    return name


def gene_set_source(name: str, registry: dict[str, Any]) -> dict[str, str | None]:
    """Where a downloaded collection comes from: url, mirror_path, sha256."""
    entry = registry["gene_sets"].get(name, {"url": name})
    file = entry.get("file") or _file_of_url(entry["url"])
    return {"url": entry["url"], "mirror_path": f"genesets/{file}", "sha256": entry.get("sha256")}


def label_file(table: str, downloads: str) -> str:
    """The path of a table of `label_tables`: a file is itself, what a URL or a mirror has lies among the downloads."""
    return table if Path(table).is_file() else f"{downloads}/{label_source(table)['mirror_path']}"


def label_source(table: str) -> dict[str, str | None]:
    """Where a table of labels that is no file here comes from: url, mirror_path, sha256."""
    url = table if _is_url(table) else None
    return {"url": url, "mirror_path": f"{LABEL_FOLDER}/{_file_of_url(url)}" if url else table, "sha256": None}


def collection_name(name: str, registry: dict[str, Any]) -> str:
    """What tables call a collection: its name in the registry, else its file's name without .gmt."""
    if name in registry["gene_sets"]:
        return name
    file = _file_of_url(name) if _is_url(name) else PurePosixPath(name).name
    return file.removesuffix(".gz").removesuffix(".gmt")


def archive_path(entry: dict[str, Any]) -> str:
    """Path of a benchmark dataset's archive in a mirror and among the downloads."""
    return f"benchmark/{entry['cancer']}.zip"


def intersim_paths(entry: dict[str, Any]) -> dict[str, str]:
    """Paths of a published simulation's files in a mirror and among the downloads: omics, then `clinical`."""
    return {name: f"simulated/{entry['setting']}/{INTERSIM_FILES[name]}" for name in [*entry["omics"], "clinical"]}


def reference_paths(entry: dict[str, Any], config: dict[str, Any]) -> list[str]:
    """Paths of the parameters of InterSIM in a mirror and among the downloads.

    The package's archive, or its .rda files where the downloads or a folder among the mirrors have them and none before
    has the archive.
    """
    archive = f"{INTERSIM_FOLDER}/{_file_of_url(entry['url'])}"
    files = [f"{INTERSIM_FOLDER}/{name}.rda" for name in OBJECTS]
    for folder in [config["downloads"], *_mirrors(config)]:
        if Path(folder, archive).is_file():
            break
        if all(Path(folder, file).is_file() for file in files):
            return files
    return [archive]


def _mirrors(config: dict[str, Any]) -> list[str]:
    mirror = config["mirror"]
    return [mirror] if isinstance(mirror, str) else mirror or []


def singlecell_paths(entry: dict[str, Any]) -> dict[str, str]:
    """Paths of a single-cell dataset's files in a mirror and among the downloads: omics, then `metadata`."""
    addresses = {**entry["omics"], "metadata": entry["metadata"]}
    return {name: f"{entry['folder']}/{PurePosixPath(address).name}" for name, address in addresses.items()}


def xena_paths(entry: dict[str, Any]) -> dict[str, str]:
    """Paths of a Xena cohort's files in a mirror and among the downloads: omics, then `clinical` and `survival`."""
    cohort, tables = entry["cohort"], entry["tables"]
    names = {omic: f"TCGA.{cohort}.sampleMap/{tables[omic]}.gz" for omic in entry["omics"]}
    names |= {"clinical": f"TCGA.{cohort}.sampleMap/{cohort}_clinicalMatrix"}
    names |= {"survival": f"survival/{cohort}_survival.txt"}
    return {name: f"{XENA_FOLDER}/{path}" for name, path in names.items()}


def downloadable(config: dict[str, Any], registry: dict[str, Any]) -> dict[str, dict[str, str | None]]:
    """Every file a run may fetch: mirror path -> url, mirror_path, sha256."""
    return {source["mirror_path"]: source for source in _sources(config, registry)}


def _sources(config: dict[str, Any], registry: dict[str, Any]) -> list[dict[str, str | None]]:
    sources = []
    for _, entry in _entries_read(config):
        if entry["source"] == "benchmark":
            sources.append({"url": entry["url"], "mirror_path": archive_path(entry), "sha256": entry["sha256"]})
            sources.append({"url": entry["clinical_url"], "mirror_path": CLINICAL_ARCHIVE, "sha256": None})
        if entry["source"] == "xena":
            for path in xena_paths(entry).values():
                name = quote(path.removeprefix(f"{XENA_FOLDER}/"), safe="")  # a dataset of the hub is one name
                sources.append({"url": f"{entry['url'].rstrip('/')}/{name}", "mirror_path": path, "sha256": None})
        if entry["source"] == "intersim_published":
            for path in intersim_paths(entry).values():
                url = f"{entry['url'].rstrip('/')}/{PurePosixPath(path).name}" if entry["url"] else None
                sources.append({"url": url, "mirror_path": path, "sha256": None})
        if entry["source"] == "intersim":
            for path in reference_paths(entry, config):
                is_archive = not path.endswith(".rda")
                url, sha256 = (entry["url"], entry["sha256"]) if is_archive else (None, None)
                sources.append({"url": url, "mirror_path": path, "sha256": sha256})
        if entry["source"] == "singlecell":
            for name, path in singlecell_paths(entry).items():
                address = entry["metadata"] if name == "metadata" else entry["omics"][name]
                url = address if _is_url(address) else None
                sources.append({"url": url, "mirror_path": path, "sha256": entry["sha256"].get(name)})
    tables = {table for entry in config["datasets"].values() for table in entry["label_tables"].values()}
    sources += [label_source(table) for table in sorted(tables) if not Path(table).is_file()]
    names = {name for entry in config["datasets"].values() for kind in entry["gene_sets"].values() for name in kind}
    known = sorted(name for name in names if name in registry["gene_sets"] or _is_url(name))
    return sources + [gene_set_source(name, registry) for name in known]


def _check_targets(datasets: Any, rules: Collection[str]) -> None:
    """No dataset has the name of a rule, or of a folder of results/."""
    for name in datasets if isinstance(datasets, dict) else ():
        if name in rules or name in FOLDERS:
            raise AmuclError(
                f"config key `datasets.{name}`: this is the name of a rule or folder", action="choose another"
            )


def _dataset(name: str, entry: Any, config: dict[str, Any], registry: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise AmuclError(
            f"config key `datasets.{name}`: the name cannot be used",
            expected="text of letters (a to z), digits, - and _",
            action="change it, or put a number in quotes",
        )
    if entry is not None and not isinstance(entry, dict):
        raise _wrong(f"datasets.{name}", "an entry (source, omics, ...) or nothing", entry)
    entry, known = entry or {}, registry["datasets"].get(name)
    if known is None and "source" not in entry:
        raise AmuclError(
            f"config key `datasets.{name}` is unknown{_suggestion(name, registry['datasets'])}",
            expected=f"a name of the registry ({', '.join(registry['datasets'])}) or an entry with a `source`",
        )
    same_source = known is not None and entry.get("source", known["source"]) == known["source"]
    base = known if same_source else {}
    complete = _validate_dataset(_merge(base, entry), f"datasets.{name}")
    _check_omics(entry.get("preprocessing", {}), _omics(complete), f"datasets.{name}.preprocessing")
    of_source = _schema("datasets")["$defs"][complete["source"]]["properties"]["preprocessing"]["default"]
    known_before = _merge(_merge(config["preprocessing"], of_source), base.get("preprocessing", {}))
    inherited = _for_omics(known_before, _omics(complete))
    complete["preprocessing"] = _merge(inherited, entry.get("preprocessing", {}))
    _check_survival(complete, f"datasets.{name}")
    complete |= _words(config, complete)
    if complete["source"] in ("files", "joined") and complete["counts"] != "auto":
        _log_counts(complete, f"datasets.{name}")
    sets = {**_default_gene_sets(name, complete, config), **complete["gene_sets"]}
    hallmark = [collection for collection in sets["gsea"] if collection == "hallmark"]
    complete["gene_sets"] = sets | {"ssgsea": sets.get("ssgsea", hallmark or sets["gsea"][:1])}
    return complete


def _check_survival(entry: dict[str, Any], key: str) -> None:
    """Each endpoint is described once, and where there are columns to describe."""
    survival = entry["survival"]
    if survival is True:
        raise _wrong(f"{key}.survival", "columns, or false to look for none", survival)
    direct = {"time", "event", "unit", "event_values"} & set(survival or ())
    if direct and "os" in survival:
        raise AmuclError(
            f"config key `{key}.survival`: overall survival is described twice",
            got=f"`{'`, `'.join(sorted(direct))}` and `os`",
            action="write all of it under `os`",
        )
    if survival and entry["source"] == "files" and not entry["clinical"] and not entry["label_tables"]:
        raise _wrong(f"{key}.survival", "a `clinical` table with these columns", "none")


def _log_counts(entry: dict[str, Any], key: str) -> None:
    """Omics declared as counts are logged, as their models take them back from there."""
    _check_names(entry["counts"], entry["omics"], f"{key}.counts", "omic of this dataset")
    log2 = entry["preprocessing"].get("log2", "auto")
    by_omic = log2 if isinstance(log2, dict) else dict.fromkeys(entry["omics"], log2)
    for omic in entry["counts"]:
        if by_omic.get(omic, "auto") is False:
            raise AmuclError(
                f"config key `{key}.preprocessing.log2`: {omic} is declared as `counts`",
                expected="true or auto",
                got="false",
            )
    if entry["counts"]:
        entry["preprocessing"]["log2"] = {**by_omic, **dict.fromkeys(entry["counts"], True)}


def _joined_counts(entry: dict[str, Any], key: str) -> list[str] | str | None:
    """Omics of a joined dataset that are counts: those its entry names, else those that its members do.

    `auto` where that is not said for all of them, None where all members are of sources that say what values are.
    """
    if entry["counts"] != "auto":
        return entry["counts"]
    said = {member: own.get("counts", []) for member, own in entry["members"].items()}
    named = {
        omic: {member: omic in names for member, names in said.items() if names != "auto"} for omic in entry["omics"]
    }
    for omic, by_member in named.items():
        if len(set(by_member.values())) > 1:
            counted = [member for member, counts in by_member.items() if counts]
            others = [member for member, counts in by_member.items() if not counts]
            raise AmuclError(
                f"config key `{key}.members`: {omic} of {counted[0]} are counts, of {others[0]} they are not",
                expected="values of one kind in all members",
                action="leave one of the two out, or declare the `counts` of both",
            )
    if all(own["source"] != "files" for own in entry["members"].values()):
        return None
    counted = [omic for omic, by_member in named.items() if any(by_member.values())]
    return counted if counted or "auto" not in said.values() else "auto"


def _words(*entries: dict[str, Any]) -> dict[str, list[str]]:
    """The words for unknown, and those that are none, of all of these together."""
    return {
        key: list(dict.fromkeys(str(word) for entry in entries for word in entry[key]))
        for key in ("unknown_words", "known_words")
    }


def _members(
    name: str, entry: dict[str, Any], config: dict[str, Any], registry: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """The members of a joined dataset: name -> complete entry, with no omics but those of the joined dataset.

    What means unknown in the joined dataset does so in its members.
    """
    key, datasets = f"datasets.{name}", config["datasets"]
    allowed = {**registry["datasets"], **datasets}
    allowed = [other for other, known in allowed.items() if known["source"] in JOINABLE]
    _check_names(entry["members"], allowed, f"{key}.members", f"dataset of source {' or '.join(JOINABLE)}")
    members = {member: datasets.get(member) or _dataset(member, None, config, registry) for member in entry["members"]}
    for member, own in members.items():
        _check_names(entry["omics"], own["omics"], f"{key}.omics", f"omic of its member {member}")
    _check_scale(members, entry["omics"], f"{key}.members")
    return {
        member: own | {"omics": _chosen(own["omics"], entry["omics"])} | _words(own, entry)
        for member, own in members.items()
    }


def _check_sizes(key: str, entry: dict[str, Any]) -> None:
    try:
        cluster_sizes(entry["n_samples"], entry["n_clusters"], entry["proportions"])
    except AmuclError as error:
        raise AmuclError(f"config key `{key}`: {error}") from error


def _check_cells(key: str, entry: dict[str, Any]) -> None:
    if entry["counts"] is None:
        entry["counts"] = [omic for omic, file in entry["omics"].items() if file.endswith(".RDS")]
    _check_names(entry["counts"], entry["omics"], f"{key}.counts", "omic of this dataset")
    _check_names(entry["sha256"], [*entry["omics"], "metadata"], f"{key}.sha256", "file of this dataset")


def _check_scale(members: dict[str, dict[str, Any]], omics: list[str], key: str) -> None:
    """Values that are still to be logged cannot stand beside values that are not."""
    for omic in omics:
        declared: dict[bool, str] = {}
        for member, entry in members.items():
            log2 = entry["preprocessing"].get("log2", "auto")
            declared.setdefault(log2.get(omic, "auto") if isinstance(log2, dict) else log2, member)
        if True in declared and False in declared:
            raise AmuclError(
                f"config key `{key}`: {omic} of {declared[True]} and of {declared[False]} is not on one scale",
                expected="the same `log2` in the `preprocessing` of all members",
                got=f"true for {declared[True]}, false for {declared[False]}",
                action="leave one of the two out",
            )


def _chosen(own: list[str] | dict[str, str], omics: list[str]) -> list[str] | dict[str, str]:
    return {omic: own[omic] for omic in omics} if isinstance(own, dict) else list(omics)


def _entries_read(config: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Names and entries of what a run reads: in place of a joined dataset its members."""
    return [one for name, entry in config["datasets"].items() for one in entry.get("members", {name: entry}).items()]


def _default_gene_sets(name: str, entry: dict[str, Any], config: dict[str, Any]) -> dict[str, list[str]]:
    """The run's collections; a simulated cohort brings its own, as its genes have no other meaning."""
    if entry["source"] != "simulated":
        return config["gene_sets"]
    go, pathways = (f"results/{name}/raw/{kind}.gmt" for kind in ("go", "pathways"))
    return {"go": [go], "pathways": [pathways], "gsea": [pathways]}


def _validate_dataset(entry: dict[str, Any], key: str) -> dict[str, Any]:
    definitions = _schema("datasets")["$defs"]
    sources = [source for source in definitions if source not in ("common", "preprocessing", "gene_set")]
    if entry.get("source") not in sources:
        raise _wrong(
            f"{key}.source", " or ".join(sources), entry.get("source"), _suggestion(entry.get("source") or "", sources)
        )
    return _validate(entry, definitions[entry["source"]], key)


def _choose_clustered(config: dict[str, Any]) -> None:
    """Sets `cluster` of every dataset: those that are only given the subtypes of others are not clustered."""
    sources = {choice["dataset"]: f"predict[{number}].dataset" for number, choice in enumerate(config["predict"])}
    sources |= {
        choice["dataset"]: f"biology[{number}].dataset" for number, choice in enumerate(config["biology"] or [])
    }
    placed = {choice["cohort"] for choice in config["predict"]}
    for name, entry in config["datasets"].items():
        if entry["cluster"] is None:
            entry["cluster"] = name in sources or name not in placed
        if not entry["cluster"] and (name in sources or name not in placed):
            needed = f"true: `{sources[name]}` names it" if name in sources else "an entry of `predict` to be placed by"
            raise AmuclError(f"config key `datasets.{name}.cluster` is false", expected=needed)


def _biology(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The results to explain, each with dataset, method and k (a number or auto), or with dataset and labels."""
    chosen = config["biology"]
    if chosen is None:
        clustered = {name: entry for name, entry in config["datasets"].items() if entry["cluster"]}
        chosen = [{"dataset": name} for name, entry in clustered.items() if "expression" in _omics(entry)]
    complete = []
    for number, choice in enumerate(chosen):
        key = f"biology[{number}]"
        _check_names([choice["dataset"]], config["datasets"], f"{key}.dataset", "dataset of this run")
        partition = _partition(choice, config, config["methods"], key)
        if "consensus_seeds" in choice:
            _check_consensus(partition, config, f"{key}.consensus_seeds")
            partition["consensus_seeds"] = choice["consensus_seeds"]
        complete.append(partition)
    return complete


def _check_consensus(partition: dict[str, Any], config: dict[str, Any], key: str) -> None:
    """Trainings can differ and there is expression whose markers can be counted."""
    if "labels" in partition or METHODS[partition["method"]].stage == "lowrank":
        raise AmuclError(
            f"config key `{key}`: known labels and low-rank methods have no seed to vary", action="leave it out"
        )
    omics = _omics(config["datasets"][partition["dataset"]])
    if "expression" not in omics:
        raise AmuclError(
            f"config key `{key}`: {partition['dataset']} has no omic `expression`",
            got=", ".join(omics),
            action="leave it out",
        )


def _predictions(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Whose subtypes to give to the patients of which cohort: each as in `_biology`, with cohort and by."""
    inductive = [name for name in config["methods"] if METHODS[name].inductive]
    complete = []
    for number, choice in enumerate(config["predict"]):
        key = f"predict[{number}]"
        for role in ("dataset", "cohort"):
            _check_names([choice[role]], config["datasets"], f"{key}.{role}", "dataset of this run")
        by = choice.get("by", "network")
        if by == "templates":
            _check_expression(choice, config, key)
            partition = _partition(choice, config, config["methods"], key)
        else:
            if not inductive:
                needed = ", ".join(name for name, method in METHODS.items() if method.inductive)
                raise AmuclError(
                    f"config key `{key}`: no method of this run embeds new patients",
                    expected=f"{needed}, or by: templates",
                )
            if "labels" in choice:
                raise AmuclError(f"config key `{key}.labels`: known labels have no network", expected="by: templates")
            partition = _partition(choice, config, inductive, key, "method of this run that embeds new patients")
            _check_common_omic(choice, config, key)
        complete.append({**partition, "cohort": choice["cohort"], "by": by})
    return complete


def _partition(
    choice: dict[str, Any], config: dict[str, Any], methods: list[str], key: str, kind: str = "method of this run"
) -> dict[str, Any]:
    """Which subtypes of a dataset are meant: a method's at a k, or the known labels."""
    dataset, entry = choice["dataset"], config["datasets"][choice["dataset"]]
    if "labels" in choice:
        also = next((name for name in ("method", "k") if name in choice), None)
        if also is not None:
            raise AmuclError(
                f"config key `{key}.{also}`: known labels have none", action=f"leave out `{also}` or `labels`"
            )
        if entry["truth"] is None:
            raise AmuclError(
                f"config key `{key}.labels`: {dataset} has no known labels",
                expected=f"a clinical column as `truth` in `datasets.{dataset}`",
            )
        return {"dataset": dataset, "labels": choice["labels"]}
    method = choice.get("method", methods[0])
    _check_names([method], methods, f"{key}.method", kind)
    return {"dataset": dataset, "method": method, "k": choice.get("k") or entry["n_clusters"] or DEFAULT_K}


def _check_expression(choice: dict[str, Any], config: dict[str, Any], key: str) -> None:
    for role in ("dataset", "cohort"):
        omics = _omics(config["datasets"][choice[role]])
        if "expression" not in omics:
            raise AmuclError(
                f"config key `{key}.{role}`: {choice[role]} has no omic `expression` to compare templates with",
                got=", ".join(omics),
            )


def _check_common_omic(choice: dict[str, Any], config: dict[str, Any], key: str) -> None:
    learned, offered = (_omics(config["datasets"][choice[role]]) for role in ("dataset", "cohort"))
    if set(learned).isdisjoint(offered):
        raise AmuclError(
            f"config key `{key}.cohort`: {choice['cohort']} has no omic of {choice['dataset']}",
            expected=f"one of {', '.join(learned)}",
            got=", ".join(offered),
        )


def _omics(entry: dict[str, Any]) -> list[str]:
    return ["expression", "methylation", "mirna"] if entry["source"] == "simulated" else list(entry["omics"])


def _for_omics(preprocessing: dict[str, Any], omics: list[str]) -> dict[str, Any]:
    """Inherited settings without those of omics that the dataset does not have."""
    return {
        key: {omic: value[omic] for omic in omics if omic in value} if isinstance(value, dict) else value
        for key, value in preprocessing.items()
    }


def _check_omics(preprocessing: dict[str, Any], omics: Iterable[str], key: str) -> None:
    for setting, value in preprocessing.items():
        if isinstance(value, dict):
            _check_names(value, omics, f"{key}.{setting}", "omic of this run")


def _check_method_settings(settings: dict[str, dict[str, Any]]) -> None:
    _check_names(settings, METHODS, "method_settings", "method")
    for method, values in settings.items():
        _check_hyperparameters(method, values, f"method_settings.{method}")


def _check_hyperparameters(method: str, values: dict[str, Any], key: str) -> None:
    rules = {
        name: {"type": [SCHEMA_TYPES[kind] for kind in annotation.split(" | ")]}
        for name, annotation in hyperparameters(method).items()
        if name not in WORKFLOW_PARAMETERS
    }
    _validate(values, {"type": "object", "additionalProperties": False, "properties": rules}, key)


def _check_sweep(config: dict[str, Any]) -> None:
    """Its method is one of the run that k-means clusters, and has these hyperparameters with values of these types."""
    method, parameters = config["sweep"]["method"], config["sweep"]["parameters"]
    if not parameters:
        return
    swept = [name for name in config["methods"] if METHODS[name].stage != "lowrank"]
    _check_names([method], swept, "sweep.method", "method of this run that k-means clusters")
    for name, values in parameters.items():
        for value in values:
            _check_hyperparameters(method, {name: value}, "sweep.parameters")


def _check_mirror(mirror: str | list[str] | None) -> None:
    several = isinstance(mirror, list)
    named = {_joined("mirror", number): one for number, one in enumerate(mirror)} if several else {"mirror": mirror}
    for key, one in named.items():
        if one is not None and not _is_url(one) and not Path(one).is_dir():
            raise _wrong(key, "a folder that exists or an http or https URL", one)


def _check_paths(config: dict[str, Any]) -> None:
    """Snakemake takes braces in a path for a wildcard and <word> for a name of its own; neither can be escaped."""
    paths = {name: config[name] for name in ("downloads", "peers")}
    for dataset, entry in _entries_read(config):
        own = {"clinical": entry["clinical"], "omics": entry["omics"]} if entry["source"] == "files" else {}
        for kind, value in (own | {name: entry[name] for name in ("gene_maps", "label_tables", "gene_sets")}).items():
            paths |= _leaves(f"datasets.{dataset}.{kind}", value)
    for key, path in paths.items():
        if path is not None and not _is_plain_path(path):
            raise _wrong(key, _PLAIN_PATH, path)


def _leaves(key: str, value: Any) -> dict[str, str | None]:
    """Key -> text, of mappings and lists of text."""
    if not isinstance(value, dict | list):
        return {key: value}
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return {place: text for part, one in parts for place, text in _leaves(_joined(key, part), one).items()}


def _check_files(entries: list[tuple[str, dict[str, Any]]]) -> None:
    """Every file a dataset of the user's own names is there, and is a file."""
    for dataset, entry in entries:
        if entry["source"] != "files":
            continue
        for key, path in {
            **{f"omics.{omic}": path for omic, path in entry["omics"].items()},
            "clinical": entry["clinical"],
        }.items():
            if path is not None:
                require_file(path, purpose=f"the file of config key `datasets.{dataset}.{key}`")
        if entry["truth"] and not entry["clinical"]:
            raise _wrong(f"datasets.{dataset}.truth", "a `clinical` table with this column", entry["truth"])


def _check_gene_maps(config: dict[str, Any]) -> None:
    for name, entry in config["datasets"].items():
        _check_names(entry["gene_maps"], _omics(entry), f"datasets.{name}.gene_maps", "omic of this dataset")
        for omic, path in entry["gene_maps"].items():
            require_file(path, purpose=f"the file of config key `datasets.{name}.gene_maps.{omic}`")


def _check_label_tables(config: dict[str, Any]) -> None:
    """Every table is a file here, a URL, or may be in the mirror: a folder is looked into."""
    mirrors = _mirrors(config)
    folders = [folder for folder in [config["downloads"], *mirrors] if not _is_url(folder)]
    for dataset, entry in config["datasets"].items():
        for name, table in entry["label_tables"].items():
            below = not Path(table).is_absolute() and ".." not in Path(table).parts
            kept = below and (len(folders) <= len(mirrors) or any(Path(folder, table).is_file() for folder in folders))
            if not (_is_url(table) or Path(table).is_file() or kept):
                raise AmuclError(
                    f"the file of config key `datasets.{dataset}.label_tables.{name}` does not exist",
                    where=table,
                    expected="a file, a URL, or the name of a file below the `mirror`",
                    action="check the path",
                )


def _check_gene_sets(config: dict[str, Any], registry: dict[str, Any]) -> None:
    owners = {"": config["gene_sets"]} | {f"datasets.{name}.": e["gene_sets"] for name, e in config["datasets"].items()}
    for owner, collections in owners.items():
        for kind, names in collections.items():
            key = f"{owner}gene_sets.{kind}"
            for name in names:
                _check_gene_set(name, key, config, registry)
            called = [collection_name(name, registry) for name in names]
            twice = next((name for name in called if called.count(name) > 1), None)
            if twice is not None:
                raise AmuclError(
                    f"config key `{key}`: two collections would both be called `{twice}`",
                    action="give each file a name of its own",
                )


def _check_gene_set(name: str, key: str, config: dict[str, Any], registry: dict[str, Any]) -> None:
    known = name in registry["gene_sets"] or (
        _is_url(name) and PurePosixPath(urlparse(name).path).name not in ("", "..")
    )
    planted = any(name.startswith(f"results/{dataset}/raw/") for dataset in config["datasets"])
    if known or planted or Path(name).is_file():
        return
    raise AmuclError(
        f"config key `{key}`: `{name}` is no collection of gene sets{_suggestion(name, registry['gene_sets'])}",
        expected=f"a name of the registry ({', '.join(registry['gene_sets'])}), an existing .gmt file or a file's URL",
    )


def _check_downloads(config: dict[str, Any], registry: dict[str, Any]) -> None:
    """Every file can be had, and no two URLs end in one file."""
    urls: dict[str, str | None] = {}
    for source in _sources(config, registry):
        file, url = source["mirror_path"], source["url"]
        if url is None and config["mirror"] is None and not Path(config["downloads"], file).is_file():
            raise AmuclError(
                "no address is known for this file",
                where=file,
                expected="config key `mirror`: a folder or URL that has it",
                action="config/README.md says where it was published",
            )
        if urls.setdefault(file, url) != url:
            raise AmuclError(
                "two downloads would be kept under one name",
                where=file,
                expected="one URL",
                got=f"{urls[file]} and {url}",
                action="run them apart, each with a `downloads` folder of its own",
            )


def _check_names(names: Iterable[str], allowed: Iterable[str], key: str, kind: str) -> None:
    allowed = list(allowed)
    for name in names:
        if name not in allowed:
            raise AmuclError(
                f"config key `{key}`: `{name}` is no {kind}{_suggestion(name, allowed)}", expected=", ".join(allowed)
            )


def _validate(value: Any, schema: dict[str, Any], key: str = "") -> dict[str, Any]:
    """`value` completed with the schema's defaults, or one AmuclError for its first mistake."""
    complete = _with_defaults(value, schema)
    errors = sorted(Validator(schema).iter_errors(complete), key=lambda error: list(map(str, error.path)))
    if errors:
        raise _one_line(errors[0], key)
    return complete


def _with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    complete = dict(value)
    for name, rule in schema.get("properties", {}).items():
        if name not in complete and "default" in rule:
            complete[name] = copy.deepcopy(rule["default"])
        if name in complete:
            complete[name] = _with_defaults(complete[name], rule)
    return complete


def _one_line(error: ValidationError, key: str) -> AmuclError:
    place = _joined(key, *error.absolute_path)
    if error.validator == "additionalProperties":
        allowed = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in allowed)
        return AmuclError(
            f"config key `{_joined(place, unknown)}` is unknown{_suggestion(unknown, allowed)}",
            expected=f"one of {', '.join(allowed)}",
            got=f"`{unknown}`",
        )
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return AmuclError(f"config key `{_joined(place, missing)}` is missing", expected="it to be set")
    return _wrong(place, _wanted(error), error.instance)


def _joined(key: str, *path: str | int) -> str:
    """A key as it is written about: `biology[0].dataset`."""
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    return key


def _wanted(error: ValidationError) -> str:
    """What a rule of the schema allows, in words."""
    wording = {
        "type": lambda _: _types(error.schema),
        "enum": _choices,
        "pattern": lambda rule: PATTERNS[rule],
        "minimum": lambda rule: f"at least {rule}",
        "exclusiveMinimum": lambda rule: f"more than {rule}",
        "maximum": lambda rule: f"at most {rule}",
        "minItems": lambda rule: f"at least {rule} item(s)",
        "minProperties": lambda rule: f"at least {rule} entry",
        "uniqueItems": lambda _: "each item once",
        "anyOf": lambda rules: " or ".join(_alternative(rule) for rule in rules),
    }
    return wording[error.validator](error.validator_value)


def _alternative(rule: dict[str, Any]) -> str:
    if "enum" in rule:
        return _choices(rule["enum"])
    if rule["type"] == "object":
        return "a mapping of omics to such values"
    if rule["type"] == "array":
        return "a list of numbers" if rule["items"]["type"] != "string" else "a list of names"
    return _types(rule)


def _choices(values: list[Any]) -> str:
    return " or ".join(str(value).lower() if isinstance(value, bool) else value for value in values)


def _types(rule: dict[str, Any]) -> str:
    types = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    limit = f" of at least {rule['minimum']}" if "minimum" in rule else ""
    return " or ".join(TYPE_NAMES.get(name, name) + (limit if name in ("integer", "number") else "") for name in types)


def _wrong(key: str, expected: str, got: Any, suggestion: str = "") -> AmuclError:
    hint = "write 1e-3 as 1.0e-3, which YAML reads as a number" if _is_number_in_text(expected, got) else None
    return AmuclError(
        f"config key `{key}` is wrong{suggestion}", expected=expected, got=_LIMITED.repr(got), action=hint
    )


def _is_number_in_text(expected: str, got: Any) -> bool:
    return "number" in expected and isinstance(got, str) and re.fullmatch(r"[-+]?\d+e[-+]?\d+", got, re.I) is not None


def _suggestion(name: Any, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(allowed), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `over` laid over it, mapping by mapping."""
    merged = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else copy.deepcopy(value)
    return merged


def _file_of_url(url: str) -> str:
    """The name under which a download is kept: the URL's last part, with its query where that is no file name.

    What looks like a secret in the query is left out.
    """
    parts = urlparse(url)
    name = PurePosixPath(parts.path).name
    if name in ("", "..") or not name.isprintable():
        raise AmuclError("the address names no file", where=url, action="give the address of the file itself")
    if not _is_plain_path(name):
        raise AmuclError("no download can have this name", where=url, expected=_PLAIN_PATH, got=name)
    query = "" if PurePosixPath(name).suffix else plain_query(parts.query)
    return re.sub(r"[^\w.-]+", "_", f"{name}_{query}") if query else name


def _is_plain_path(path: str) -> bool:
    return re.search(r"[{}\x00-\x1f]|<[a-z][a-z0-9_]*>", path) is None


def _is_url(name: str) -> bool:
    return re.match("https?://[^/]", name, re.IGNORECASE) is not None


@cache
def _schema(name: str) -> dict[str, Any]:
    return _read_yaml(resource(f"{name}.schema.yaml"))


def _read_yaml(path: str | Path) -> dict[str, Any]:
    text = decode(require_file(path).read_bytes(), path)
    try:
        value = _UniqueKeys(text).get_single_data() or {}
    except (yaml.YAMLError, ValueError) as error:
        raise yaml_error(error, path) from error
    except RecursionError as error:
        raise too_deep(path) from error
    check_extent(value, path)
    if not isinstance(value, dict):
        raise AmuclError("no mapping of keys to values", where=f"{path}, line 1", got=_LIMITED.repr(value))
    return value


class _UniqueKeys(yaml.SafeLoader):
    """YAML's plain values only; a key that is given twice, of which SafeLoader drops the first, is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {twice} is given twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """As SafeLoader merges mappings (``<<``), whose keys it repeats with every merge of a merge."""
        super().flatten_mapping(node)
        if len(node.value) > _MOST_MERGED:
            raise yaml.constructor.ConstructorError(
                problem=f"mappings with more than {_MOST_MERGED} keys are merged", problem_mark=node.start_mark
            )

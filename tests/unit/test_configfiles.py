"""Mistakes in configuration files end in one line with file, line and column."""

import subprocess
import sys

import pytest
import yaml

from amucl.config import resolve
from amucl.configfiles import Place, check_config_files, located
from amucl.errors import AmuclError
from tests.shared import REPOSITORY

BROKEN = {
    "tab": ("datasets:\n  a:\n\tsource: files\n", "line 3, column 1", "indent with spaces, not tabs"),
    "open mapping": ("datasets: {a: {source: files\nmethods: [pca]\n", "line 2, column 8", "flow mapping"),
    "open list": ("methods: [pca\n", "line 2, column 1", "flow sequence"),
    "indentation": ("datasets:\n  a:\n    source: files\n   omics: {}\n", "line 4, column 4", "while parsing a block"),
    "open quote": ("methods: ['pca]\n", "line 2, column 1", "quoted scalar"),
    "colon": ("clinical: a: b\n", "line 1, column 12", "mapping values are not allowed"),
    "at": ("clinical: @a\n", "line 1, column 11", "cannot start any token"),
    "two documents": ("a: 1\n---\nb: 2\n", "line 2, column 1", "expected a single document"),
    "unknown anchor": ("a: *b\n", "line 1, column 4", "undefined alias"),
    "list": ("- a\n- b\n", "line 1, column 1", "no mapping of keys to values; got a list"),
    "word": ("datasets\n", "line 1, column 1", "no mapping of keys to values; got a single value"),
    "twice": ("methods: [pca]\nseed: 1\nmethods: [nmf]\n", "line 3, column 1", "twice; got the first on line 1"),
    "twice below": ("a: {b: {c: 1, c: 2}}\n", "line 1, column 15", "`a.b.c` is given twice"),
    "no": ("datasets: {a: {omics: {no: x.tsv}}}\n", "line 1, column 24", "omics.no`: YAML reads this name as true"),
    "on": ("on: 1\n", "line 1, column 1", "put it in quotes: 'on'"),
    "number": ("omics:\n  5: x.tsv\n", "line 2, column 3", "`omics.5`: YAML reads this name as a number"),
    "version": ("a: {1.10: x}\n", "line 1, column 5", "as a number"),
    "date key": ("a: {2020-01-01: x}\n", "line 1, column 5", "as a date"),
    "nothing": ("a: {~: x}\n", "line 1, column 5", "as nothing"),
    "key of a list": ("a: {[b]: x}\n", "line 1, column 5", "a list or mapping stands in place of a key"),
    "octal": ("k: [2, 010]\n", "line 1, column 8", "`k[1]`: YAML reads 010 as the octal number 8"),
    "class": ("known_classes: [01, 02]\n", "line 1, column 17", "reads 01 as the octal number 1; put it in quotes"),
    "date": ("truth: 2020-01-01\n", "line 1, column 8", "`truth`: YAML reads 2020-01-01 as a date"),
    "time": ("truth: 12:30\n", "line 1, column 8", "a number to the base of 60"),
    "deep": ("a: " + "[" * 20_000, "run.yaml", "cannot be read as YAML"),
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def written(text, name="run.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


@pytest.mark.parametrize(("text", "where", "message"), BROKEN.values(), ids=BROKEN)
def test_what_yaml_cannot_read_or_reads_otherwise(file, text, where, message):
    path = file(text)
    with pytest.raises(AmuclError) as error:
        check_config_files([path])
    assert str(error.value).startswith(str(path))
    assert where in str(error.value)
    assert message in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but this\n",
        "a: {'no': x, \"5\": y}\nk: [2, 0, '010', 019, 1.5, 0x1f, 1e-3]\nlog2: no\nt: '2020-01-01'\n",
        "base: &base {a: 1}\nmine: {<<: *base, a: 2}\nmore: {<<: [*base, *base]}\n",
        '{"a": {"b": [1, true, null]},\n\t"c": 010e0}'.replace("010e0", "10"),
        "__use_yte__: true\n?if no:\n  5: x\n",
    ],
)
def test_what_is_right_is_left_alone(file, text):
    check_config_files([file(text)])


def test_every_key_has_its_place(file):
    path = file("datasets:\n  a:\n    omics: {rna: x.tsv}\nbiology:\n- dataset: a\n  k: no\n")
    places = check_config_files([path])
    assert places["datasets.a.omics.rna"] == Place(str(path), 3, 13, "x.tsv", "str")
    assert (places["biology[0].k"].line, places["biology[0].k"].column, places["biology[0].k"].written) == (6, 3, "no")
    assert str(places["biology[0]"]) == f"{path}, line 5, column 3"


def test_the_last_file_counts(file):
    first, second = file("seed: 1\nk: [2]\n", "first.yaml"), file("# mine\nseed: 2\n", "second.yaml")
    places = check_config_files([first, second])
    assert (places["seed"].file, places["seed"].line) == (str(second), 2)
    assert places["k"].file == str(first)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "datasets: {simulated: }\n\nmethds: [pca]\n",
            "line 3, column 1: config key `methds` is unknown (did you mean",
        ),
        (
            "datasets: {simulated: }\nseed: abc\n",
            "line 2, column 1: config key `seed` is wrong; expected a whole number",
        ),
        (
            "datasets: {simulated: }\nmethods: [no]\n",
            "line 2, column 11: config key `methods[0]` is wrong; expected text; got False; YAML reads no as true",
        ),
        ("datasets:\n  a:\n    source: files\n", "line 2, column 3: config key `datasets.a.omics` is missing"),
        ("datasets:\n  a:\n    source: fils\n", "line 3, column 5: config key `datasets.a.source` is wrong"),
        (
            "datasets: {b.c: {source: files, omics: {}}}",
            "line 1, column 12: config key `datasets.b.c`: the name cannot",
        ),
    ],
)
def test_mistakes_are_told_with_their_place(file, text, message):
    path = file(text)
    places = check_config_files([path])
    with pytest.raises(AmuclError) as error:
        resolve(yaml.safe_load(text), {"datasets": {}, "gene_sets": {}})
    assert located(error.value, places).startswith(f"{path}, {message}")
    assert "\n" not in located(error.value, places)


def test_the_check_before_a_run(file):
    def checked(*paths):
        command = [sys.executable, str(REPOSITORY / "workflow" / "check_config.py"), *map(str, paths)]
        return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)

    wrong, right = file("a: [1\n", "wrong.yaml"), file("seed: 1\n", "right.yaml")
    found = checked(right, wrong)
    assert found.returncode == 1
    assert found.stderr.startswith(f"amucl: {wrong}, line 2, column 1: cannot be read as YAML")
    assert found.stderr.count("\n") == 1
    assert checked(right, REPOSITORY / "config" / "config.yaml").returncode == 0


def test_make_checks_the_file_before_snakemake_reads_it():
    command = ["make", "--dry-run", "--assume-old=.venv/installed", "run", "CONFIG=mine.yaml"]
    steps = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True).stdout.splitlines()
    steps = [step for step in steps if "mine.yaml" in step]
    assert steps == ["python workflow/check_config.py mine.yaml", "snakemake --cores all --configfile mine.yaml"]


def test_the_workflow_tells_the_place(file):
    def ended(text, *more):
        command = ["snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "-n", "--configfile", "mine.yaml", *more]
        run = subprocess.run(
            [sys.executable, "-m", *command], cwd=file(text, "mine.yaml").parent, capture_output=True, text=True
        )
        assert run.returncode != 0
        return run.stderr.splitlines()[-1]

    assert ended("seed: 1\n'k': [2]\nseed: 2\n").startswith("amucl: mine.yaml, line 3, column 1: config key `seed` is")
    assert ended("k: [2]\nseed: x\n").startswith("amucl: mine.yaml, line 2, column 1: config key `seed` is wrong")
    assert ended("k: [2]\nseed: 1\n", "--config", "seed=x").startswith("amucl: config key `seed` is wrong")


def test_no_file_is_blamed_for_the_command_line(file):
    places = check_config_files([file("seed: 1\n")])
    error = AmuclError("config key `seed` is wrong", got="abc")
    assert located(error, places, {"seed"}) == str(error)
    assert located(AmuclError("config key `other.key` is wrong"), places) == "config key `other.key` is wrong"
    assert located(AmuclError("something else"), places) == "something else"

"""What every rule must have, and what the linters say."""

import re
import subprocess
import sys

import pytest
import yaml

from environment import rule_names
from tests.shared import REPOSITORY
from tests.workflow.runner import environment

RULES = {
    match[1]: match[2]
    for file in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
    for match in re.finditer(r"^rule (\w+):\n((?:[ \n].*\n?|\n)*)", file.read_text(encoding="utf-8"), re.MULTILINE)
}


def run(*command):
    return subprocess.run(command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("directive", ["log", "benchmark", "message", "resources", "conda", "script"])
def test_every_rule_has(rule, directive):
    assert re.search(rf"^    {directive}:", RULES[rule], re.MULTILINE)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_follows_the_code_it_runs_and_records_it(rule):
    script = re.search(r'script:\s+"\.\./scripts/(\w+\.py)"', RULES[rule])[1]
    hashed = re.search(rf'code=(method_)?code\("{script}"\)', RULES[rule]) is not None
    assert hashed == (rule != "download")  # a rerun would begin by deleting what was fetched
    assert "provenance=" in RULES[rule]


def test_numbered_items_of_the_report_have_a_number_each():
    places = re.findall(
        r'category="([^"]+)",\s+subcategory=("[^"]+"|\w+),\s+labels=\{"\w+": f?"(\d+) ', "".join(RULES.values())
    )
    assert len(places) > 20
    assert len(set(places)) == len(places)


def test_there_are_all_rules():
    assert len(RULES) > 20
    scripts = {path.stem for path in (REPOSITORY / "workflow" / "scripts").glob("[!_]*.py")}
    assert scripts == set(RULES) - {"dataset_report", "dataset_manifest"}


def test_a_dataset_cannot_take_the_name_of_a_rule():
    assert set(RULES) | {"all", "fetch"} <= rule_names(REPOSITORY / "workflow")


def test_scripts_are_thin():
    for script in (REPOSITORY / "workflow" / "scripts").glob("[!_]*.py"):
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 40, script


def test_the_library_knows_no_workflow():
    for module in (REPOSITORY / "src" / "amucl").rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) snakemake", text, re.MULTILINE), module
        assert not re.search(r"^\s*print\(", text, re.MULTILINE), module


def test_snakemake_lint():
    result = run(sys.executable, "-m", "snakemake", "--lint")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        ("snakefmt", "--check", "Snakefile", "workflow/Snakefile", "workflow/rules"),
    ],
)
def test_style(command):
    result = run(*command)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("profile", ["default", "slurm", "cluster-generic"])
def test_profiles_name_no_site(profile):
    text = (REPOSITORY / "profiles" / profile / "config.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    assert settings["rerun-incomplete"]
    assert "slurm_partition" not in str(settings)


def test_the_default_profile_runs_one_gpu_job_at_a_time():
    settings = yaml.safe_load((REPOSITORY / "profiles" / "default" / "config.yaml").read_text(encoding="utf-8"))
    assert settings["resources"] == {"gpu": 1, "in_turn": 1}
    assert "gpu=" in RULES["train"]


def profile(name):
    return yaml.safe_load((REPOSITORY / "profiles" / name / "config.yaml").read_text(encoding="utf-8"))


def test_groups_of_jobs_hold_rules_that_exist_and_none_that_wants_a_gpu():
    grouped = set(profile("slurm")["groups"])
    assert grouped <= set(RULES)
    assert not [rule for rule in grouped if "gpu=" in RULES[rule]]
    assert not [group for group in profile("slurm")["groups"].values() if "/" in group]  # Snakemake refuses such names


def test_every_scheduler_gets_the_same_groups():
    shared = ("set-resource-scopes", "default-resources", "groups", "group-components")
    assert [profile("slurm")[key] for key in shared] == [profile("cluster-generic")[key] for key in shared]

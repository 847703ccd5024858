"""Every Snakemake command of the documents is one that Snakemake understands."""

import re
import shlex

import pytest

from tests.shared import REPOSITORY
from tests.workflow.runner import Checkout

RUNS = ("paper", "simulations", "cells", "joined", "sweep")
DOCUMENTS = ("README.md", "docs/papers.md", "docs/own-cohort.md", "docs/lowrank.md")
TEXTS = [REPOSITORY / name for name in (*DOCUMENTS, *(f"config/{run}.yaml" for run in RUNS))]
COMMANDS = {
    re.split(r"\s{2,}#", line.strip().removeprefix("# "))[0]
    for text in TEXTS
    for line in re.findall(r"^(?:# .*: )?(snakemake .*)$", text.read_text(encoding="utf-8"), re.MULTILINE)
}


def plan(command):
    """What decides the plan of a run: neither how many cores it has, nor where its data come from."""
    return re.sub(r" --cores \S+| --config mirror=/\S+| --configfile mine.yaml", "", command)


# Of commands with the same plan the longest.
PLANNED = {plan(command): command for command in sorted(COMMANDS, key=len) if "profiles/slurm" not in command}


def test_there_are_commands():
    assert len(PLANNED) >= 8


@pytest.mark.parametrize("command", sorted(PLANNED.values()))
def test_a_documented_command_plans_a_run(command, tmp_path):
    checkout = Checkout(tmp_path / "repository")
    for folder in ("mirror", "simulations"):
        (checkout.folder / folder).mkdir()
    command = re.sub("/path/to/(mirror|simulations)", r"\1", command).replace(" --configfile mine.yaml", "")
    printed = checkout.snakemake("-n", *shlex.split(command)[1:])
    assert "This was a dry-run" in printed


PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "config").glob("*.md")]


def headings(page):
    """The anchors of a page's headings, as GitHub writes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_the_readme_is_read_in_a_minute():
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 80

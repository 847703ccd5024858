"""The workflow is killed, starved of space, locked out and lied to: then it runs again and gives the same bytes."""

import subprocess

import pytest

from tests.faults.disk import fill, make_read_only, make_writable, resize, small_disk
from tests.faults.runs import TINY, assert_same, assert_whole, kill, n_jobs, steps_done, wait_until
from tests.server import Answer
from tests.workflow.runner import Checkout

pytestmark = pytest.mark.faults

MOMENTS = 10
FULL = "the file cannot be stored: No space left on device; check the free space"
GMT = "".join(f"SET_{i}\t\t" + "\t".join(f"GENE{j}" for j in range(i, i + 200)) + "\n" for i in range(300)).encode()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("undisturbed") / "repository", TINY)
    checkout.printed = checkout.snakemake()
    return checkout


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "repository", TINY)


def complaints(printed):
    """The lines that tell a user what is wrong, each once: Snakemake shows the end of a failed job's log too."""
    return {line.partition("amucl: ")[2] for line in printed.splitlines() if line.startswith("amucl: ")}


@pytest.mark.survives("same bytes, the default workflow in two folders, 1 and 2 cores")
def test_the_default_workflow_gives_the_same_bytes_again(tmp_path):
    first, second = (Checkout(tmp_path / name / "repository") for name in ("first", "second"))
    first.snakemake()
    second.snakemake("--cores", "1")
    assert_same(second, first)


@pytest.mark.survives("killed (kill -9 of all processes of the run)")
@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_killed_run_goes_on_where_it_was(undisturbed, checkout, moment):
    planned = n_jobs(undisturbed.printed)
    done = round((moment + 0.5) / MOMENTS * planned)
    process = checkout.start()
    try:
        wait_until(lambda: steps_done(checkout) >= done, process)
        delay = 0.4 * (moment % 5)  # a job starts, imports, computes, writes
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
    finally:
        kill(process)
    assert_whole(checkout, undisturbed)
    assert "--unlock" in checkout.snakemake(succeeds=False)
    checkout.snakemake("--unlock")
    printed = checkout.snakemake()
    assert n_jobs(printed) <= planned - done
    assert_same(checkout, undisturbed)


def files_of(checkout, folder):
    return {file for file in checkout.files() if file.startswith(folder)}


STAGES = {
    "simulation": ((), "results/simulated/raw/clinical.tsv", "results/simulated/"),
    "cohort": (("results/simulated/raw/clinical.tsv",), "results/simulated/cohort.h5mu", "results/simulated/cohort"),
    "training": (
        ("results/simulated/cohort.h5mu",),
        "results/simulated/dmacl/embedding.tsv",
        "results/simulated/dmacl",
    ),
    "figures": (
        ("results/simulated/pca/labels.tsv",),
        "results/simulated/pca/map.png",
        "results/simulated/pca/map",
    ),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.survives("full disk, rules")
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(undisturbed, checkout, stage):
    before, target, written = STAGES[stage]
    with small_disk(checkout.path(""), 64) as disk:
        if before:
            checkout.snakemake("--", *before)
        filler = fill(disk)
        printed = checkout.snakemake("--", target, succeeds=False)
        assert [line for line in complaints(printed) if FULL in line], printed
        assert len(complaints(printed)) == 1
        assert "Traceback" not in printed
        assert files_of(checkout, written) == set()
        filler.unlink()
        checkout.snakemake("--", target)
        assert_whole(checkout, undisturbed)
        assert target in checkout.files()


def megabytes(checkout):
    return sum((checkout.folder / file).stat().st_size for file in checkout.files()) / 2**20


@pytest.mark.survives("full disk, somewhere in a run")
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_disk_that_fills_on_the_way_and_is_made_larger(undisturbed, checkout, share):
    with small_disk(checkout.path(""), share * megabytes(undisturbed)) as disk:
        printed = checkout.snakemake(succeeds=False)
        assert "No space left on device" in printed
        assert_whole(checkout, undisturbed)
        resize(disk, 2 * megabytes(undisturbed) + 16)
        checkout.snakemake()
        assert_same(checkout, undisturbed)


@pytest.mark.survives("full disk, with Snakemake's own records on it")
def test_a_disk_that_holds_the_whole_folder(undisturbed, tmp_path):
    with small_disk(tmp_path / "repository", 64) as disk:
        checkout = Checkout(tmp_path / "repository", TINY)
        checkout.snakemake("-n")
        filler = fill(disk, spare=int(megabytes(undisturbed) * 2**19))
        printed = checkout.snakemake(succeeds=False)
        assert "No space left on device" in printed
        assert_whole(checkout, undisturbed)
        filler.unlink()
        checkout.snakemake("--unlock")
        checkout.snakemake()
        assert_same(checkout, undisturbed)


@pytest.mark.survives("read-only results")
def test_results_that_must_not_be_written(undisturbed, checkout):
    target = "results/simulated/cohort.h5mu"
    with small_disk(checkout.path(""), 64) as disk:
        make_read_only(disk)
        printed = checkout.snakemake(succeeds=False)
        assert "Read-only file system: 'results/simulated'" in printed
        assert "Traceback" not in printed
        checkout.snakemake("-n")
        make_writable(disk)
        checkout.snakemake("--", target)
        make_read_only(disk)
        assert "Nothing to be done" in checkout.snakemake("--", target)
        printed = checkout.snakemake("--forcerun", "preprocess", "--", target, succeeds=False)
        assert "Write-protected output files for rule preprocess" in printed
        assert "Traceback" not in printed
        assert target in checkout.files()
        assert_whole(checkout, undisturbed)


@pytest.mark.survives("two runs in one folder")
def test_a_second_run_in_the_folder_is_turned_away_and_the_first_goes_on(undisturbed, checkout):
    process = checkout.start()
    try:
        wait_until(lambda: steps_done(checkout) >= 3, process)
        printed = checkout.snakemake(succeeds=False)
        assert "Directory cannot be locked" in printed
        assert process.wait(900) == 0, checkout.printed_so_far()
    finally:
        if process.poll() is None:
            kill(process)
    assert_same(checkout, undisturbed)


# Downloads, as a user meets them: by the rule.


def with_sets(checkout, *addresses, **options):
    sets = {key: list(addresses) for key in ("go", "pathways", "gsea", "ssgsea")}
    checkout.configure(TINY | {"datasets": {"simulated": {"n_samples": 60, "gene_sets": sets}}} | options)


FETCHED = "results/downloads/genesets/set.gmt"


@pytest.fixture
def fetching(checkout, server):
    """A run that has one file to fetch, from a server of the test."""
    server.url = server.url.replace("set.bin", "set.gmt")
    server.answers = [Answer(GMT)]
    with_sets(checkout, server.url)
    return checkout


@pytest.mark.survives("download: HTTP 404, by the rule")
def test_a_file_that_is_not_there(fetching, server):
    server.answers = [Answer(b"", status=404)]
    (line,) = complaints(fetching.snakemake("--", "fetch", succeeds=False))
    assert line.startswith(f"{server.url}: the server answered 404")
    assert files_of(fetching, "results/downloads") == set()
    server.answers = [Answer(GMT)]
    fetching.snakemake("--", "fetch")
    assert (fetching.folder / FETCHED).read_bytes() == GMT


@pytest.mark.survives("download: HTTP 500, by the rule")
def test_a_server_that_fails_for_ever(fetching, server):
    server.answers = [Answer(b"", status=500)]
    (line,) = complaints(fetching.snakemake("--", "fetch", succeeds=False))
    assert "the download failed 5 times, at last with: the server answered 500" in line
    assert files_of(fetching, "results/downloads") == set()


@pytest.mark.survives("download: a web page for the file, by the rule")
def test_a_server_that_asks_to_sign_in(fetching, server):
    page = Answer(b"<!DOCTYPE html><title>sign in</title>")
    server.answers = [Answer(b"", status=302, headers={"Location": "/sign-in"}), page]
    (line,) = complaints(fetching.snakemake("--", "fetch", succeeds=False))
    assert "web page (HTML), not the file itself; expected set.gmt" in line
    assert files_of(fetching, "results/downloads") == set()


@pytest.mark.survives("download: cut off and continued, by the rule")
def test_a_connection_that_is_cut(fetching, server):
    server.answers = [Answer(GMT, send=200_000), Answer(GMT)]
    fetching.snakemake("--", "fetch")
    assert (fetching.folder / FETCHED).read_bytes() == GMT
    assert server.asked_ranges()[0] is None
    assert int(server.asked_ranges()[1].removeprefix("bytes=").rstrip("-")) > 100_000


@pytest.mark.survives("download: killed and continued, by the rule")
def test_a_download_that_is_killed(fetching, server):
    server.answers = [Answer(GMT, send=100_000, stall="after"), Answer(GMT)]
    part = fetching.folder / f"{FETCHED}.part"
    process = fetching.start("--", "fetch")
    try:
        wait_until(lambda: part.exists() and part.stat().st_size > 0, process)
    finally:
        kill(process)
    size = part.stat().st_size
    fetching.snakemake("--unlock")
    fetching.snakemake("--", "fetch")
    assert (fetching.folder / FETCHED).read_bytes() == GMT
    assert server.asked_ranges() == [None, f"bytes={size}-"]


@pytest.mark.survives("download: wrong hash, by the rule")
def test_a_file_that_is_another_one_today(fetching, server):
    fetching.snakemake("--", "fetch")
    (fetching.folder / FETCHED).unlink()
    server.answers = [Answer(GMT + b"ANOTHER\t\tTP53\n", etag='"v2"')]
    (line,) = complaints(fetching.snakemake("--", "fetch", succeeds=False))
    assert "the file's sha256 is not the recorded one" in line
    assert FETCHED not in fetching.files()


@pytest.mark.survives("full disk, download by the rule")
def test_a_disk_that_is_full_when_a_file_is_fetched(fetching, server):
    with small_disk(fetching.path(""), 4) as disk:
        filler = fill(disk, spare=50_000)
        printed = fetching.snakemake("--", "fetch", succeeds=False)
        (line,) = complaints(printed)
        assert "the file cannot be stored: No space left on device" in line
        assert "Traceback" not in printed
        assert FETCHED not in fetching.files()
        filler.unlink()
        fetching.snakemake("--", "fetch")
        assert (fetching.folder / FETCHED).read_bytes() == GMT


@pytest.mark.survives("a mirror that lacks one file")
def test_a_mirror_that_lacks_one_file(checkout, tmp_path, server):
    sets = tmp_path / "mirror" / "genesets"
    sets.mkdir(parents=True)
    (sets / "one.gmt").write_bytes(GMT)
    (sets / "Two.gmt").write_bytes(GMT)
    base = server.url.rpartition("/")[0]
    with_sets(checkout, f"{base}/one.gmt", f"{base}/two.gmt", mirror=str(tmp_path / "mirror"))
    (line,) = complaints(checkout.snakemake("--keep-going", "--", "fetch", succeeds=False))
    assert line.startswith(f"{sets / 'two.gmt'}: the file is not in the mirror; got near matches: Two.gmt")
    assert "results/downloads/genesets/one.gmt" in checkout.files()
    (sets / "Two.gmt").rename(sets / "two.gmt")
    checkout.snakemake("--", "fetch")
    assert "results/downloads/genesets/two.gmt" in checkout.files()
    assert server.requests == []

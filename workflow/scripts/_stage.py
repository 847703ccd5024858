"""What every script does around its work: log, thread limit, provenance, errors as one line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from amucl.cohort.notes import Note
from amucl.errors import AmuclError
from amucl.escaping import plain
from amucl.files import storage_errors, write_json
from amucl.provenance import record, sha256
from amucl.redaction import RedactingFormatter, redacted_values


@contextmanager
def stage(snakemake) -> Iterator[dict[str, str | None]]:
    """Run a script's work: progress to its log, linear algebra on its threads, provenance beside its output.

    Yields a dict for what the provenance shall say beside parameters and versions (`device`, `mirror`). A user's
    mistake becomes one line in the log and on the terminal; a bug keeps its traceback in the log.
    """
    logging.raiseExceptions = False  # a log that a full disk does not take is not worth a traceback a line
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every table of every font in a PDF
    used = {"device": "cpu"}
    try:
        with storage_errors(snakemake.log[0]):
            handler = logging.FileHandler(snakemake.log[0], mode="w")
        handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        _tell_of_fonts()
        with threadpool_limits(snakemake.threads):
            yield used
        _write_provenance(snakemake, used)
    except AmuclError as error:
        logging.getLogger("amucl").error("%s", error)
        sys.exit(f"amucl: {error}")
    except Exception:
        logging.getLogger("amucl").exception("this is a bug in AMUCL; please report it with this log")
        raise


def tell(dataset: str, notes: Iterable[Note]) -> None:
    """What was decided in the user's place: a line each in the log and on the terminal."""
    for note in notes:
        logging.getLogger("amucl").warning("%s", note.line)
        print(f"amucl: {dataset}: {note.line}", file=sys.stderr)


def _tell_of_fonts() -> None:
    """What figures cannot write is said on the terminal too."""
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter("amucl: %(message)s"))
    logging.getLogger("amucl.figures.fonts").addHandler(terminal)


def _write_provenance(snakemake, used: dict[str, str]) -> None:
    parameters = plain(dict(snakemake.params.items()))
    code = parameters.pop("code", None)
    made = record(code=code, threads=snakemake.threads, parameters=parameters)
    sidecar = snakemake.output.provenance
    files = {
        "rule": snakemake.rule,
        "inputs": sorted(set(snakemake.input)),
        "outputs": {file: sha256(file) for file in snakemake.output if file != sidecar},
    }
    fonts = sys.modules.get("amucl.figures.fonts")  # of a figure with letters that DejaVu Sans lacks
    if fonts and fonts.fonts_used():
        used = used | {"fonts": fonts.fonts_used()}
    write_json(redacted_values(made | files | used), sidecar)

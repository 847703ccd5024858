"""What every script does around its work: log, thread limit, provenance, errors as one line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from amucl.errors import AmuclError
from amucl.files import write_json
from amucl.provenance import record


@contextmanager
def stage(snakemake) -> Iterator[dict[str, str]]:
    """Run a script's work: progress to its log, linear algebra on its threads, provenance beside its output.

    Yields a dict to which the work may add its `device`. A user's mistake becomes one line in the log and on the
    terminal; a bug keeps its traceback in the log.
    """
    logging.basicConfig(
        filename=snakemake.log[0], filemode="w", level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    used = {"device": "cpu"}
    try:
        with threadpool_limits(snakemake.threads):
            yield used
        _write_provenance(snakemake, used["device"])
    except AmuclError as error:
        logging.getLogger("amucl").error("%s", error)
        sys.exit(f"amucl: {error}")
    except Exception:
        logging.getLogger("amucl").exception("this is a bug in AMUCL; please report it with this log")
        raise


def _write_provenance(snakemake, device: str) -> None:
    parameters = dict(snakemake.params.items())
    code = parameters.pop("code")
    sidecar = record(code=code, threads=snakemake.threads, parameters=parameters, device=device)
    write_json(sidecar, snakemake.output.provenance)

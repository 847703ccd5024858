"""Write Snakemake's report over the files this rule was given."""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from _stage import stage

from amucl.files import atomic_path

with stage(snakemake), atomic_path(snakemake.output.html) as html, tempfile.TemporaryDirectory() as folder:
    config = Path(folder, "config.yaml")
    config.write_text(yaml.safe_dump(snakemake.params.config, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", *snakemake.input]
    command += ["--snakefile", snakemake.params.snakefile, "--configfile", str(config)]
    command += ["--report", str(html), "--nolock"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    Path(snakemake.log[0]).write_text(result.stdout, encoding="utf-8")
    result.check_returncode()

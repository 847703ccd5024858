"""Can this configuration be read, and does YAML read it as it looks? Names file, line and column of the first mistake.

python workflow/check_config.py my.yaml

Snakemake reads a file of `--configfile` before any rule, and says of one that is no YAML no more than that.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # the library of this checkout

from amucl.configfiles import check_config_files
from amucl.errors import AmuclError


def main() -> None:
    """Exit with 1 if a file has a mistake."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="config.yaml")
    files = parser.parse_args().files
    try:
        check_config_files(files)
    except AmuclError as error:
        sys.exit(f"amucl: {error}")
    print(f"{', '.join(files)}: can be read; `snakemake -n --configfile ...` checks keys and values")


if __name__ == "__main__":
    main()

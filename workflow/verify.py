"""Are these the files that the manifest tells of, and are two runs the same? Names every file that is not.

python workflow/verify.py                                     results/manifest.tsv against the files
python workflow/verify.py --other /elsewhere/manifest.tsv     against the manifest of another run
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # the library of this checkout

from amucl.errors import AmuclError
from amucl.manifest import changed_files, differing_files, read_manifest


def main() -> None:
    """Exit with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", nargs="?", default="results/manifest.tsv")
    parser.add_argument("--other", help="manifest of a run to compare with, instead of the files")
    arguments = parser.parse_args()
    try:
        table = read_manifest(arguments.manifest)
        wrong = differing_files(table, read_manifest(arguments.other)) if arguments.other else changed_files(table)
    except AmuclError as error:
        sys.exit(f"amucl: {error}")
    for path, what in wrong.items():
        print(f"{path} {what}")
    print(f"{len(table)} files, {len(wrong)} differ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

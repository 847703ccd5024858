# Reads the configuration files as they are written, before Snakemake makes values of them.
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]

# The library of this checkout, and what belongs to the workflow alone.
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "workflow")]

from amucl.configfiles import check_config_files
from amucl.errors import AmuclError

# As a module the workflow is given values of another's, whose places are not known.
CONFIG_FILES = [str(ROOT / "config" / "config.yaml"), *workflow.config_settings.configfiles]

try:
    PLACES = {} if workflow.modifier.parent_modifier else check_config_files(CONFIG_FILES)
except AmuclError as error:
    sys.exit(f"amucl: {error}")

# Reads the configuration files as they are written, before Snakemake makes values of them.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(str(workflow.current_basedir)).parent))

from amucl.configfiles import check_config_files
from amucl.errors import AmuclError

# As a module the workflow is given values of another's, whose places are not known.
CONFIG_FILES = [f"{workflow.basedir}/config/config.yaml", *workflow.config_settings.configfiles]

try:
    PLACES = {} if workflow.modifier.parent_modifier else check_config_files(CONFIG_FILES)
except AmuclError as error:
    sys.exit(f"amucl: {error}")

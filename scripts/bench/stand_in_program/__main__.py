"""The program itself; only its providers are replaced by those without hosts and clusters."""

import runpy
from pathlib import Path

from scripts.bench.stand_in_program import stand_ins

stand_ins.install()
runpy.run_path(str(Path(__file__).parents[3] / "__main__.py"), run_name="__main__")

"""Answers the engine's question for installed packages; any other call of pip is pip's.

Before each run, the language host asks `python -m pip list` which packages bring plugins of the
engine. This program has none: its providers are its own. pip takes 0.7 s to say so. This file is
found before pip, since its folder is in the PYTHONPATH of the engine (ops/pulumi/cli.py).
"""

import runpy
import sys
from pathlib import Path

QUESTION = ["list", "-v", "--format", "json"]

if __name__ == "__main__":
    if sys.argv[1:] == QUESTION:
        print("[]")
    else:
        own = Path(__file__).parent
        sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != own]
        runpy.run_module("pip", run_name="__main__", alter_sys=True)

"""`fleet` with a folder as its checkout: `python -m tests.e2e.command FOLDER WORDS`.

The file that declares a stack of a test is in the test's folder.
"""

import sys
from pathlib import Path

from ops.pulumi import workspace

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    of_stack = property(lambda self: folder / f"Pulumi.{self.stack}.yaml")
    workspace.Workspace.tracked_config = of_stack  # type: ignore[assignment]
    from scripts.fleet.__main__ import main

    main()

"""paramiko without invoke, which takes as long to import as all the rest of it.

paramiko needs it for one directive of ssh_config files, and does without where it is not installed.
Whoever needs paramiko here takes it from this module, and only when something is run: a preview
starts without.
"""

import logging
import sys
from typing import Any

__all__ = ["paramiko"]

_modules: dict[str, Any] = sys.modules
_modules.setdefault("invoke", None)  # Makes an import fail as if it were not installed.
import paramiko  # noqa: E402 - only now

if _modules["invoke"] is None:
    del _modules["invoke"]

# Its errors reach the operator as failures of resources, not as stack traces on stderr.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

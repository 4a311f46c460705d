"""paramiko without invoke, whose import takes as long as the rest of paramiko.

paramiko needs invoke for one directive of ssh_config files, and works without it if it is not
installed. Import paramiko from this module, and only when something is executed: a preview starts
without it.
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

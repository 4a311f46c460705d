#!/usr/bin/env -S python3 -u
"""Serves dynamic providers to the engine, with as many concurrent calls as it requests.

The tool chain holds it as `pulumi-resource-pulumi-python`, the name under which the engine looks
for it. Pulumi's own script of that name runs `python -m pulumi.dynamic`, which serves four calls at
once, although providers spend their time waiting for machines. Here the engine's `--parallel` is
the only limit. With an SDK that makes its server in another way, the limit is that SDK's.

It is shared by all checkouts: the Python and its packages are those of the environment that the
engine names, else the first in PATH.
"""

import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ENVIRONMENT = "PULUMI_RUNTIME_VIRTUALENV"
# Out of reach of any `--parallel`; a thread is started only when all others are busy.
CALLS = 4096


def enter_environment() -> None:
    """Continue with the Python of the environment that the engine names, if there is one."""
    # Taken out, so that it is entered once.
    python = Path(os.environ.pop(ENVIRONMENT, ""), "bin", "python").absolute()
    if python.is_file() and python.parents[1] != Path(sys.prefix):
        os.execv(python, [str(python), "-u", *sys.argv])  # noqa: S606 (the engine's own choice)


def serve_all_calls() -> None:
    """Give the next gRPC server a pool of any size, whatever pool it was made with."""
    import grpc

    make = grpc.server

    def server(_pool: object, *args: Any, **kwargs: Any) -> grpc.Server:
        return make(ThreadPoolExecutor(CALLS), *args, **kwargs)

    grpc.server = server  # type: ignore[assignment]  # whatever pool it is given


def main() -> None:
    """Do what `python -m pulumi.dynamic` does, for more calls at once."""
    enter_environment()
    serve_all_calls()
    sys.path[0] = str(Path.cwd())
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

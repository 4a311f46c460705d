#!/usr/bin/env -S python3 -u
"""Serves dynamic providers to the engine, with as many concurrent calls as it requests.

It is installed in the tool chain as `pulumi-resource-pulumi-python`, the name that the engine
expects. Pulumi's own script of that name runs `python -m pulumi.dynamic`, which serves four calls
at a time, although providers spend their time waiting for machines. Here the engine's `--parallel`
is the only limit. With an SDK that creates its server in another way, the SDK's limit applies.

It is shared by all checkouts: it runs the Python of the environment that the engine names, or else
the first one in PATH.
"""

import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ENVIRONMENT = "PULUMI_RUNTIME_VIRTUALENV"
# Larger than any `--parallel`; a thread is started only when all others are busy.
CALLS = 4096


def enter_environment() -> None:
    """Continue with the Python of the environment that the engine names, if there is one."""
    # Removed, so that it is entered only once.
    python = Path(os.environ.pop(ENVIRONMENT, ""), "bin", "python").absolute()
    if python.is_file() and python.parents[1] != Path(sys.prefix):
        os.execv(python, [str(python), "-u", *sys.argv])  # noqa: S606 (the engine's own choice)


def serve_all_calls() -> None:
    """Make the next gRPC server use a pool of this size instead of its own."""
    import grpc

    create = grpc.server

    def server(_pool: object, *args: Any, **kwargs: Any) -> grpc.Server:
        return create(ThreadPoolExecutor(CALLS), *args, **kwargs)

    grpc.server = server  # type: ignore[assignment]


def main() -> None:
    """Run `python -m pulumi.dynamic` without its limit of concurrent calls."""
    enter_environment()
    serve_all_calls()
    sys.path[0] = str(Path.cwd())
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

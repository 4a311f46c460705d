"""Running a command on this host."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tarfile
import threading
from collections.abc import Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from scripts.command_plugin.command_output import CommandOutput, pump
from scripts.command_plugin.globs import matching
from scripts.command_plugin.go_format import quote, system_error
from scripts.command_plugin.remote_command import PREVIOUS_OUTPUT
from scripts.command_plugin.running_operation import Failure, RunningOperation
from scripts.command_plugin.values import Asset, Properties

DEFAULT_INTERPRETER = ("/bin/sh", "-c")


def run(command: str, properties: Mapping[str, Any], operation: RunningOperation) -> Properties:
    """Run a command according to a state's properties; return its output and created files.

    The state's stdout and stderr are those of the previous run. Raises Failure when the command
    cannot be run or does not succeed.
    """
    directory = Path(properties.get("dir") or Path.cwd())
    arguments = [*(properties.get("interpreter") or DEFAULT_INTERPRETER), command]
    with operation.log.output() as log:
        output = CommandOutput(properties.get("logging"), log)
        if ended := operation.cancelled():
            raise output.failure(str(ended), command, ended.code)
        try:
            process = _start(arguments, directory, _environment(properties))
        except Failure as failure:
            raise output.failure(str(failure), command) from failure
        _finish(process, properties.get("stdin") or "", output, operation)
        if reason := _failure_of(process.returncode):
            raise output.failure(reason, command)
    results: Properties = dict(output.properties())
    if (patterns := properties.get("assetPaths")) is not None:
        results["assets"] = _assets(directory, patterns)
    if (patterns := properties.get("archivePaths")) is not None:
        results["archive"] = _archive(_assets(directory, patterns))
    return results


def _environment(properties: Mapping[str, Any]) -> dict[str, str]:
    environment = {**os.environ, **(properties.get("environment") or {})}
    if properties.get("addPreviousOutputInEnv") is not False:
        for key, name in PREVIOUS_OUTPUT.items():
            if properties.get(key):
                environment[name] = properties[key]
    return environment


def _start(
    arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    program = arguments[0]
    if "/" not in program and shutil.which(program) is None:
        raise Failure(f"exec: {quote(program)}: executable file not found in $PATH")
    if not directory.is_dir():
        reason = "not a directory" if directory.exists() else "no such file or directory"
        raise Failure(f"chdir {directory}: {reason}")
    try:
        return subprocess.Popen(
            arguments,
            executable=shutil.which(program) if "/" not in program else None,
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise Failure(f"fork/exec {program}: {system_error(error)}") from error


def _finish(
    process: subprocess.Popen[bytes], stdin: str, output: CommandOutput, operation: RunningOperation
) -> None:
    """Pump the process's streams until it ends; kill it when the operation is to end first."""
    # They are pipes, and therefore buffered readers.
    stdout, stderr = cast(BufferedReader, process.stdout), cast(BufferedReader, process.stderr)
    threads = [
        threading.Thread(target=_feed, args=(process, stdin), daemon=True),
        threading.Thread(target=pump, args=(stderr.read1, output.write_stderr), daemon=True),
    ]
    timer = None
    if (left := operation.seconds_left()) is not None:
        timer = threading.Timer(left, process.kill)
        timer.daemon = True
        timer.start()
    with process, operation.when_cancelled(process.kill):
        for thread in threads:
            thread.start()
        pump(stdout.read1, output.write_stdout)
        for thread in threads:
            thread.join()
    if timer is not None:
        timer.cancel()


def _feed(process: subprocess.Popen[bytes], stdin: str) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(stdin.encode())


def _failure_of(status: int) -> str | None:
    if status < 0:
        text = signal.strsignal(-status) or f"signal {-status}"
        return f"signal: {text[:1].lower()}{text[1:]}"
    return f"exit status {status}" if status else None


def _assets(directory: Path, patterns: Sequence[str]) -> dict[str, Asset]:
    assets = {}
    for name in matching(directory, patterns):
        path = directory / name
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise Failure(f"open {path}: {system_error(error)}") from error
        assets[name] = Asset(archive=False, digest=digest, path=str(path))
    return assets


def _archive(assets: Mapping[str, Asset]) -> Asset:
    """Return an archive of files, with the digest that the engine computes: that of their tar."""
    digest = hashlib.sha256()
    for name, asset in sorted(assets.items()):
        data = Path(asset.path).read_bytes()
        digest.update(_tar_header(name, len(data)))
        digest.update(data + bytes(-len(data) % tarfile.BLOCKSIZE))
    digest.update(bytes(2 * tarfile.BLOCKSIZE))
    return Asset(archive=True, digest=digest.hexdigest(), assets=assets)


def _tar_header(name: str, size: int) -> bytes:
    """Return the header that Go writes: unlike Python's, it has device numbers, which are zero."""
    file = tarfile.TarInfo(name)
    file.mode, file.size = 0o600, size
    header = bytearray(file.tobuf(tarfile.PAX_FORMAT))
    block = memoryview(header)[-tarfile.BLOCKSIZE :]
    block[329:345] = b"0000000\0" * 2
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(header)

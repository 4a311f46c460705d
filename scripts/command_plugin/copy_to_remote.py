"""Copying a file, a text or a directory to another host by SFTP.

source | the destination is a directory | it does not exist     | it is a file
------ | ------------------------------ | --------------------- | ------------
dir    | destination/dir                | destination/dir       | failure
dir/   | what is in dir, into it        | what is in dir        | failure
file   | destination/file               | destination           | overwritten
text   | failure                        | destination           | overwritten
"""

import os
import posixpath
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.command_plugin.connection import connected
from scripts.command_plugin.go_format import system_error
from scripts.command_plugin.running_operation import Failure, RunningOperation
from scripts.command_plugin.schema_types import Problem
from scripts.command_plugin.values import Asset, Value

if TYPE_CHECKING:
    from paramiko.sftp_client import SFTPClient


def problems_of(source: Value) -> list[Problem]:
    """Explain why a source cannot be copied. As officially, an unknown one cannot."""
    if not isinstance(source, Asset):
        return [Problem("asset", "either asset or archive must be set")]
    if source.archive and not source.path:
        return [Problem("archive", "archive must be a path to a file or directory")]
    if not source.archive and source.uri:
        reason = "asset must be a path-based file asset or a text asset"
        return [Problem("asset", reason)]
    return []


def copy(properties: Mapping[str, Any], operation: RunningOperation) -> None:
    """Copy according to a state's properties. Raises Failure."""
    source: Asset = properties["source"]
    destination: str = properties["remotePath"]
    origin = "text asset" if source.text else f"local file {source.path}"
    host = properties["connection"]["host"]
    operation.log.debug(f"Creating file: {host}:{destination} from {origin}")
    with connected(properties["connection"], operation) as link:
        from scripts.command_plugin.ssh_transport import naming_errors

        with (
            operation.when_cancelled(link.close),
            naming_errors("copying"),
            link.open_sftp_client() as client,
        ):
            remote = _Remote(client)
            if source.path:
                _copy_path(remote, source.path, destination)
            else:
                _copy_text(remote, source.text, destination)


class _Remote:
    """The remote host's file system."""

    def __init__(self, client: "SFTPClient") -> None:
        self._client = client

    def is_directory(self, path: str) -> bool | None:
        """Whether the path is a directory; None if it does not exist."""
        try:
            mode = self._client.stat(path).st_mode or 0
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failure(f"failed to stat remote path {path}: {_reason(error)}") from error
        return stat.S_ISDIR(mode)

    def make_directory(self, path: str) -> None:
        """Create a directory in an existing one."""
        try:
            self._client.mkdir(path)
        except OSError as error:
            text = f"failed to create remote directory {path}: {_reason(error)}"
            raise Failure(text) from error

    def make_directories(self, path: str) -> str | None:
        """Create a directory and its parents; return the reason if that is impossible."""
        try:
            if self.is_directory(path) is None:
                parent = posixpath.dirname(path.rstrip("/"))
                if parent and (reason := self.make_directories(parent)):
                    return reason
                self._client.mkdir(path)
            elif not self.is_directory(path):
                return f"mkdir {path}: not a directory"
        except OSError as error:
            return _reason(error)
        return None

    def write_file(self, path: str, data: bytes | Path) -> None:
        """Write a file from memory or from a local file."""
        try:
            handle = self._client.open(path, "wb")
        except OSError as error:
            text = f"failed to create remote file {path}: {_reason(error)}"
            raise Failure(text) from error
        with handle:
            handle.set_pipelined(True)
            if isinstance(data, bytes):
                handle.write(data)
                return
            with data.open("rb") as local:
                while part := local.read(256 * 1024):
                    handle.write(part)


def _copy_text(remote: _Remote, text: str, destination: str) -> None:
    if remote.is_directory(destination):
        raise Failure(
            f"remote path {destination} is a directory; "
            "when using a text asset, remotePath must be a file path"
        )
    _make_parents(remote, destination)
    try:
        remote.write_file(destination, text.encode())
    except OSError as error:
        reason = _reason(error)
        text = f"failed to write text content to remote path {destination}: {reason}"
        raise Failure(text) from error


def _copy_path(remote: _Remote, source: str, destination: str) -> None:
    try:
        directory = stat.S_ISDIR(os.stat(source).st_mode)  # noqa: PTH116 - Path would drop the slash at the end
    except OSError as error:
        raise Failure(f"open {source}: {system_error(error)}") from error
    there = remote.is_directory(destination)
    if not directory:
        if there:
            destination = posixpath.join(destination, Path(source).name)
        elif there is None:
            _make_parents(remote, destination)
        _copy_file(remote, Path(source), destination)
        return
    if there is None and (reason := remote.make_directories(destination)):
        raise Failure(f"failed to create remote directory {destination}: {reason}")
    if not source.endswith("/"):
        destination = posixpath.join(destination, Path(source).name)
    _copy_directory(remote, Path(source), destination)


def _copy_directory(remote: _Remote, source: Path, destination: str) -> None:
    match remote.is_directory(destination):
        case None:
            remote.make_directory(destination)
        case False:
            raise Failure(f"remote path {destination} exists but is not a directory")
    for entry in sorted(source.iterdir()):
        path = posixpath.join(destination, entry.name)
        if entry.is_dir() and not entry.is_symlink():
            _copy_directory(remote, entry, path)
        else:
            _copy_file(remote, entry, path)


def _copy_file(remote: _Remote, source: Path, destination: str) -> None:
    try:
        remote.write_file(destination, source)
    except IsADirectoryError as error:
        reason = f"read {source}: is a directory"
        text = f"failed to copy file {source} to remote path {destination}: {reason}"
        raise Failure(text) from error
    except OSError as error:
        text = f"failed to copy file {source} to remote path {destination}: {_reason(error)}"
        raise Failure(text) from error


def _make_parents(remote: _Remote, path: str) -> None:
    parent = posixpath.dirname(path)
    if parent and (reason := remote.make_directories(parent)):
        raise Failure(f"failed to create parent directories for {path}: {reason}")


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "file does not exist"
    return system_error(error)

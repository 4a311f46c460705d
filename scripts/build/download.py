"""Atomic, resumable and verified downloads.

A partial download is kept beside its target, under a name that contains the expected checksum: a
retry resumes it, even after a kill, and never mixes two versions.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from scripts.build.cache_entry import BuildError
from scripts.build.parallel import start

# At most this much is lost when a download is interrupted.
CHUNK = 1 << 16
CONNECT_SECONDS = 10
READ_SECONDS = 60
TRIES = 5
RETRYABLE_STATUSES = (
    *(HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS),
    *(HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY),
    *(HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
)
SUM = re.compile(r"[0-9a-fA-F]{64}")

T = TypeVar("T")
Get = Callable[..., requests.Response]


class Interrupted(Exception):
    """A download was interrupted; a retry may help."""


TRANSIENT = (
    Interrupted,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


def sha256(path: Path) -> str:
    """Return the checksum of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(url: str, target: Path, expected: str, get: Get = requests.get) -> None:
    """Download `url` to `target`; its checksum must be `expected` (sha256, hexadecimal).

    After a mismatch the file is downloaded once more from the start: the partial download of an
    earlier run, or a proxy's cache, may have been the cause.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{target.name}.{expected[:16]}.part"
    actual = ""
    for _ in range(2):
        _with_retries(url, lambda: _stream(url, part, get))
        actual = sha256(part)
        if actual == expected:
            part.replace(target)
            return
        part.unlink()
    raise BuildError(
        f"{url}: sha256 mismatch: got {actual}, expected {expected}. "
        "The download was discarded: retry later, or contact the operator of the mirror or proxy"
    )


def read_url(url: str, get: Get = requests.get, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the content of a small `url`."""
    return _with_retries(url, lambda: _answer(url, get, headers or {})).content


def published_sum(url: str, name: str) -> str:
    """Return the checksum of `name` from the file at `url`: a bare sum, or sha256sum's format."""
    for line in read_url(url).decode(errors="replace").splitlines():
        words = line.replace("*", " ").split()
        if words and SUM.fullmatch(words[0]) and (len(words) == 1 or _ends(words[1], name)):
            return words[0].lower()
    raise BuildError(
        f"{url} has no sha256 checksum for {name}, so the download cannot be verified: "
        "a mirror must provide checksums beside the files, as upstream does"
    )


def _ends(path: str, name: str) -> bool:
    return path.rsplit("/", 1)[-1] == name


def reachable(url: str, seconds: float) -> bool:
    """Return whether `url` responds within `seconds`; a request to log in counts as a response."""
    try:
        status = requests.head(url, timeout=seconds, allow_redirects=True).status_code
    except requests.RequestException:
        return False
    return bool(status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.UNAUTHORIZED)


def all_reachable(urls: Sequence[str], seconds: float) -> bool:
    """Return whether every URL responds in time, however long name resolution takes."""
    answers = [start(partial(reachable, url, seconds)) for url in urls]
    done, late = wait(answers, timeout=seconds)
    return not late and all(answer.result() for answer in done)


def _with_retries(url: str, attempt: Callable[[], T]) -> T:
    retrying = Retrying(
        retry=retry_if_exception_type(TRANSIENT),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TRANSIENT as error:
        raise BuildError(
            f"{url} could not be downloaded in {TRIES} attempts: {error}. The partial download is "
            "kept: fix the network or the proxy settings and run the command again"
        ) from error
    except requests.RequestException as error:
        raise BuildError(f"{url} cannot be requested: {error}") from error


def _answer(url: str, get: Get, headers: Mapping[str, str]) -> requests.Response:
    answer = get(url, headers=dict(headers), timeout=(CONNECT_SECONDS, READ_SECONDS))
    _check(url, answer)
    return answer


def _stream(url: str, part: Path, get: Get) -> None:
    """Download to `part`, resuming an earlier attempt."""
    offset = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with get(url, stream=True, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
        extent = answer.headers.get("Content-Range", "")
        if offset and answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # The part is complete, or too long: then its checksum will not match.
            return
        _check(url, answer)
        resumed = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        if resumed and not extent.startswith(f"bytes {offset}-"):
            part.unlink()
            raise Interrupted(f"requested the bytes from {offset}, but the server sent {extent!r}")
        with part.open("ab" if resumed else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)


def _check(url: str, answer: requests.Response) -> None:
    status = f"{url}: {answer.status_code} {answer.reason}"
    if answer.status_code in RETRYABLE_STATUSES:
        raise Interrupted(status)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise BuildError(f"{status}: check the version, and that the mirror has this file")
    if not answer.ok:
        raise BuildError(f"{status}: check the proxy, and that the URL needs no login")

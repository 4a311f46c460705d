"""Atomic, resumable and verified downloads.

What has arrived of a file is kept beside it until it is whole, under a name that holds the sum it
must have in the end: the next try goes on behind it, also after a kill, and never behind a part of
another version.
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

from scripts.build.cache_entry import MakerError
from scripts.build.parallel import start

# What can be lost of a download that breaks off.
CHUNK = 1 << 16
CONNECT_SECONDS = 10
READ_SECONDS = 60
TRIES = 5
BUSY = (
    *(HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS),
    *(HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY),
    *(HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
)
SUM = re.compile(r"[0-9a-fA-F]{64}")

T = TypeVar("T")
Get = Callable[..., requests.Response]


class Interrupted(Exception):
    """A download was interrupted; a retry may help."""


TEMPORARY = (
    Interrupted,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


def sha256(path: Path) -> str:
    """Return the sum of a file's content, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(url: str, target: Path, expected: str, get: Get = requests.get) -> None:
    """Download `url` to `target`; its sum must be `expected` (sha256, hex).

    A file that turns out to be wrong is fetched once more from its beginning, since what an earlier
    run left of it, or a cache on the way, may have been the cause.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{target.name}.{expected[:16]}.part"
    found = ""
    for _ in range(2):
        _patiently(url, lambda: _stream(url, part, get))
        found = sha256(part)
        if found == expected:
            part.replace(target)
            return
        part.unlink()
    raise MakerError(
        f"{url}: sha256 mismatch: got {found}, expected {expected}. "
        "The download was discarded: retry later, or contact the operator of the mirror or proxy"
    )


def ask(url: str, get: Get = requests.get, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the content of a small `url`."""
    return _patiently(url, lambda: _answer(url, get, headers or {})).content


def published_sum(url: str, name: str) -> str:
    """Return the sum of `name` in the sums file at `url`: a bare sum, or lines as sha256sum's."""
    for line in ask(url).decode(errors="replace").splitlines():
        words = line.replace("*", " ").split()
        if words and SUM.fullmatch(words[0]) and (len(words) == 1 or _ends(words[1], name)):
            return words[0].lower()
    raise MakerError(
        f"{url} has no sha256 checksum for {name}, so the download cannot be verified: "
        "a mirror must provide checksums beside the files, as upstream does"
    )


def _ends(path: str, name: str) -> bool:
    return path.rsplit("/", 1)[-1] == name


def reachable(url: str, seconds: float) -> bool:
    """Return whether `url` answers within `seconds`, be it with the wish for an anonymous login."""
    try:
        status = requests.head(url, timeout=seconds, allow_redirects=True).status_code
    except requests.RequestException:
        return False
    return bool(status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.UNAUTHORIZED)


def all_reachable(urls: Sequence[str], seconds: float) -> bool:
    """Return whether every URL answers; decided in time, however long a name takes to resolve."""
    answers = [start(partial(reachable, url, seconds)) for url in urls]
    done, late = wait(answers, timeout=seconds)
    return not late and all(answer.result() for answer in done)


def _patiently(url: str, attempt: Callable[[], T]) -> T:
    retrying = Retrying(
        retry=retry_if_exception_type(TEMPORARY),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TEMPORARY as error:
        raise MakerError(
            f"{url} could not be downloaded in {TRIES} attempts: {error}. The partial download is "
            "kept: fix the network or the proxy settings and run the command again"
        ) from error
    except requests.RequestException as error:
        raise MakerError(f"{url} cannot be requested: {error}") from error


def _answer(url: str, get: Get, headers: Mapping[str, str]) -> requests.Response:
    answer = get(url, headers=dict(headers), timeout=(CONNECT_SECONDS, READ_SECONDS))
    _check(url, answer)
    return answer


def _stream(url: str, part: Path, get: Get) -> None:
    """Download to `part`, going on behind what an earlier try has already brought."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with get(url, stream=True, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
        extent = answer.headers.get("Content-Range", "")
        if have and answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Everything is here already, or more than there is: then its sum will be wrong.
            return
        _check(url, answer)
        goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        if goes_on and not extent.startswith(f"bytes {have}-"):
            part.unlink()
            raise Interrupted(f"requested bytes from {have} on, but the server sent {extent!r}")
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)


def _check(url: str, answer: requests.Response) -> None:
    said = f"{url}: {answer.status_code} {answer.reason}"
    if answer.status_code in BUSY:
        raise Interrupted(said)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise MakerError(f"{said}: check the version, and that the mirror holds this file")
    if not answer.ok:
        raise MakerError(f"{said}: check the proxy, and that it can be read without a login")

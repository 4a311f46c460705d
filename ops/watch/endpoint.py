"""Where a webhook is: an address that is often a secret, and then in a file or a variable."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import urllib3

from ops.errors import OperatorError, text_of

FILE, VARIABLE = "@", "env:"
LARGEST_BYTES = 16 * 1024
# https://www.rfc-editor.org/rfc/rfc9110#name-field-names
_HEADER = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)"
)
_URL = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE)
FORM = "the URL (http or https) in its first line, and a header (`Name: value`) in each further one"


@dataclass(frozen=True)
class Address:
    """A URL without a user's name, and the headers that go with it."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def read(source: str, *, is_secret: bool = False) -> Address:
    """Return the address that a source names now: a URL, @FILE or env:NAME.

    Raises OperatorError, which holds nothing of the content. A URL that `is_secret`, or that has a
    password, is refused if it is given itself: everybody on the host can read command lines.
    """
    if source.startswith(FILE):
        return _parse(_content(Path(source.removeprefix(FILE))), source)
    if source.startswith(VARIABLE):
        name = source.removeprefix(VARIABLE)
        if name not in os.environ:
            raise OperatorError(f"webhook {source}: there is no environment variable {name}")
        return _parse(os.environ[name], source)
    if is_secret or "@" in source.partition("//")[2].partition("/")[0]:
        raise OperatorError(
            "a webhook's URL that is a secret is not given itself, since everybody on the host can "
            f"read command lines: give @FILE or env:NAME, with {FORM}"
        )
    return _parse(source, "URL")


def _content(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LARGEST_BYTES)
    except OSError as error:
        raise OperatorError(f"webhook @{path}: it cannot be read: {text_of(error)}") from None
    except UnicodeDecodeError:
        raise OperatorError(f"webhook @{path}: it is not text; allowed: {FORM}") from None


def _parse(content: str, source: str) -> Address:
    first, *more = [line.strip() for line in content.splitlines() if line.strip()] or [""]
    try:
        url = urlsplit(first)
        is_valid = bool(_URL.fullmatch(first) and url.hostname) and url.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise OperatorError(f"webhook {source}: it has no valid URL; allowed: {FORM}")
    headers = {}
    for number, line in enumerate(more, 2):
        if not (found := _HEADER.fullmatch(line)):
            raise OperatorError(f"webhook {source}: line {number} is not a header; allowed: {FORM}")
        headers[found[1]] = found[2]
    user, at, host = url.netloc.rpartition("@")
    if at:
        headers |= urllib3.make_headers(basic_auth=unquote(user))
    return Address(url._replace(netloc=host, fragment="").geturl(), headers)

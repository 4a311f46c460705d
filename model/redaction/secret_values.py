"""The values of a cluster's Secrets, found wherever they are written, in any of several forms."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import ahocorasick_rs

from model.redaction.markers import Span, of_secret

SHORTEST = 8
# What is searched for is the beginning of a form; the rest is compared where it is found.
HEAD = 64
# Of a longer value, this much is known; what such a value holds is rarely written anywhere else.
LONGEST = 64 << 10
# Below this, a base64 form without the characters that depend on its neighbours is too common.
SHORTEST_FORM = 8
LINE = 16
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 (the type of a Secret)
BOOTSTRAP_TYPE = "bootstrap.kubernetes.io/token"
HELM_TYPE = "helm.sh/release.v1"
# Keys of Secrets whose values are names, flags or dates.
PUBLIC_KEYS = {
    TOKEN_TYPE: ("namespace",),
    BOOTSTRAP_TYPE: (
        "auth-extra-groups", "description", "expiration", "token-id",
        "usage-bootstrap-authentication", "usage-bootstrap-signing",
    ),
}  # fmt: skip
_PUBLIC_PEM = re.compile(rb"\s*(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\s*)+", re.S)


@dataclass(frozen=True)
class SecretValue:
    """A value, and the marker that replaces it."""

    marker: bytes
    value: bytes

    @classmethod
    def of_object(cls, namespace: str, name: str, key: str, value: bytes) -> "SecretValue":
        """Return a value of a Secret."""
        return cls(of_secret(namespace, name, key), value)


def of_secret_object(secret: dict[str, object]) -> Iterator[SecretValue]:
    """Yield the values of a Secret as the API sends it, except for those that are no secret."""
    metadata = secret.get("metadata")
    data = secret.get("data")
    if not isinstance(metadata, dict) or not isinstance(data, dict):
        return
    public = PUBLIC_KEYS.get(str(secret.get("type")), ())
    for key, text in data.items():
        if key not in public:
            value = base64.b64decode(str(text))
            namespace, name = str(metadata.get("namespace")), str(metadata.get("name"))
            yield SecretValue.of_object(namespace, name, str(key), value)


def searchable(values: Iterable[SecretValue], names: Iterable[str] = ()) -> list[SecretValue]:
    """Return the values that are long enough, and are no names of the cluster itself."""
    harmless = {name.encode() for name in names}
    stripped = ((each, each.value.strip()) for each in values)
    return [each for each, value in stripped if len(value) >= SHORTEST and value not in harmless]


class SecretValues:
    """A matcher of values: `names` are those of the cluster itself, which hide nothing."""

    def __init__(self, values: Iterable[SecretValue], names: Iterable[str] = ()) -> None:
        self._forms: list[list[tuple[bytes, bytes]]] = []
        heads: dict[bytes, int] = {}
        for each in searchable(values, names):
            for form in _forms(each.value[:LONGEST]):
                head = form[:HEAD]
                if head not in heads:
                    heads[head] = len(self._forms)
                    self._forms.append([])
                same = self._forms[heads[head]]
                if all(form != known for known, _ in same):
                    same.append((form, each.marker))
        self._matcher = (
            ahocorasick_rs.BytesAhoCorasick(
                list(heads), implementation=ahocorasick_rs.Implementation.ContiguousNFA
            )
            if heads
            else None
        )

    def spans(self, text: bytes) -> Iterator[Span]:
        """Yield where a value is in a text; of a value that is cut off, its beginning."""
        if self._matcher is None:
            return
        last_end: dict[int, int] = {}
        for index, start, end in self._matcher.find_matches_as_indexes(text, overlapping=True):
            # A text that repeats itself would be compared again at each of its characters.
            if last_end.get(index, 0) >= end:
                continue
            stop, marker = max(
                (start + _common(text, start, form), marker) for form, marker in self._forms[index]
            )
            last_end[index] = stop
            yield Span(start, stop, "secret", marker)


def _common(text: bytes, start: int, form: bytes) -> int:
    """Return how many bytes of the form are in the text from `start` on."""
    if text.startswith(form, start):
        return len(form)
    low, high = min(HEAD, len(form)), len(form)
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(form[:middle], start):
            low = middle
        else:
            high = middle - 1
    return low


def _forms(value: bytes) -> Iterator[bytes]:
    """Yield what a value looks like where it is written."""
    yield value
    stripped = value.strip()
    yield stripped
    # As JSON has it, once, and in a string of JSON within JSON, with and without other alphabets.
    text = value.decode("utf-8", errors="replace")
    for before in (text, stripped.decode("utf-8", errors="replace")):
        for is_ascii in (True, False):
            once = json.dumps(before, ensure_ascii=is_ascii)[1:-1]
            yield once.encode()
            yield json.dumps(once, ensure_ascii=is_ascii)[1:-1].encode()
            # As Go writes it.
            yield _go_escaped(once).encode()
    for safe in ("", "/"):
        quoted = quote(stripped, safe=safe)
        yield quoted.encode()
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted).encode()
    yield quote_plus(stripped).encode()
    yield from _encoded(value)
    if stripped != value:
        yield from _encoded(stripped)
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1 and not _PUBLIC_PEM.fullmatch(value):
        yield from (line for line in lines if len(line) >= LINE and line[:5] != b"-----")


def _go_escaped(text: str) -> str:
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _encoded(value: bytes) -> Iterator[bytes]:
    """Yield the base64 forms, and for three alignments, without what depends on neighbours."""
    for alignment in range(3):
        encoded = base64.b64encode(b"\0" * alignment + value).rstrip(b"=")
        first = (alignment * 8 + 5) // 6
        last = (alignment + len(value)) * 8 // 6
        form = encoded[first:last]
        if len(form) >= SHORTEST_FORM:
            yield form
            yield form.translate(bytes.maketrans(b"+/", b"-_"))

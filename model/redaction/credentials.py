"""Secrets that show by their form: tokens, headers, logins in URLs, and what base64 hides."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

import ahocorasick_rs

from model.redaction.markers import PREFIX, Span

JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}")
_RUN = re.compile(rb"[A-Za-z0-9_-]+")
HEADER = re.compile(
    rb"\b(?:bearer|basic|negotiate)(?:\s|%20|\+|\\t|:){1,4}[\"']?"
    rb"(?P<value>[A-Za-z0-9._~+/=%-]{6,16384})"
)
# A document of cloud-init, which may set passwords and write files.
CLOUD_INIT = re.compile(
    rb"#cloud-config[^\n]*(?:\n(?:[ \t-][^\n]*|[a-z_]+:[^\n]*|#[^\n]*|(?=\n[ a-z#-])))*"
)
# A word that follows "bearer" or "basic" in a sentence.
WORD = re.compile(rb"[a-z-]{1,20}|[A-Z][a-z-]{1,20}")
LONGEST_LOGIN = 1024
LOGIN = re.compile(rb"[^\s\"'`<>@\x00]{1,1024}(?=@)")
_LOGIN_REST = re.compile(rb"[^\s\"'`<>@/?#\x00]{0,256}@")
PORT = re.compile(rb"\d{1,5}(?:/|$)")
# Keys and tokens whose makers gave them a beginning of their own.
KNOWN = {
    b"akia": rb"AKIA[A-Z0-9]{12,}", b"asia": rb"ASIA[A-Z0-9]{12,}",
    b"ghp_": rb"ghp_\w{20,}", b"gho_": rb"gho_\w{20,}", b"ghu_": rb"ghu_\w{20,}",
    b"ghs_": rb"ghs_\w{20,}", b"ghr_": rb"ghr_\w{20,}",
    b"github_pat_": rb"github_pat_\w{20,}", b"glpat-": rb"glpat-[\w-]{16,}",
    b"xox": rb"xox[abprs]-[\w-]{10,}", b"sk_live_": rb"sk_live_\w{16,}",
    b"rk_live_": rb"rk_live_\w{16,}", b"sk-": rb"\bsk-[\w-]{20,}", b"aiza": rb"AIza[\w-]{30,}",
    b"age-secret-key-": rb"AGE-SECRET-KEY-[A-Z0-9-]{20,}", b"hvs.": rb"\bhvs\.[\w-]{16,}",
    b"npm_": rb"\bnpm_\w{20,}", b"dckr_pat_": rb"dckr_pat_[\w-]{16,}",
    b"pypi-": rb"\bpypi-[\w-]{16,}", b"ya29.": rb"\bya29\.[\w-]{16,}",
    b"hooks.slack.com/": rb"hooks\.slack\.com/[\w/-]{16,}",
}  # fmt: skip
_BEGINNINGS = ahocorasick_rs.BytesAhoCorasick(list(KNOWN))
_PATTERNS = [re.compile(pattern) for pattern in KNOWN.values()]
BASE64 = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}={0,2}")
_HEXADECIMAL = re.compile(rb"[0-9a-f-]+|[0-9A-F-]+")
# A kubeconfig in a Secret in a document of a support case.
DEPTH = 3
# A share of other characters that text has at most.
TEXT_SHARE = 0.95
_TEXT = bytes(range(32, 127)) + b"\n\r\t"

Inner = Callable[[bytes, int], bool]


def by_form(text: bytes, lower: bytes) -> Iterator[Span]:
    """Yield tokens, headers and logins; `lower` is the same text in small letters."""
    yield from _tokens(text)
    for found in HEADER.finditer(lower):
        start, end = found.span("value")
        value = text[start:end]
        if not WORD.fullmatch(value) and not value.startswith(PREFIX):
            yield Span(start, end, "header")
    yield from _logins(text)
    if b"#cloud-config" in text:
        for found in CLOUD_INIT.finditer(text):
            yield Span(found.start(), found.end(), "cloud-init")
    for index, start, _ in _BEGINNINGS.find_matches_as_indexes(lower, overlapping=True):
        if known := _PATTERNS[index].match(text, start):
            yield Span(start, known.end(), "token")


def _tokens(text: bytes) -> Iterator[Span]:
    position = 0
    while (start := text.find(b"eyJ", position)) >= 0:
        if found := JWT.match(text, start):
            yield Span(start, found.end(), "jwt")
        # Another one in the same run of characters would end as this one does.
        run = _RUN.match(text, start)
        position = found.end() if found else run.end() if run else start + 3


def _logins(text: bytes) -> Iterator[Span]:
    position = 0
    while (position := text.find(b"://", position)) >= 0:
        position = start = position + 3
        if text.find(b"@", start, start + LONGEST_LOGIN + 1) < 0:
            continue
        found = LOGIN.match(text, start)
        if found is None:
            continue
        end, login = found.end(), found[0]
        # The last @ before the host: a password may have one.
        while (again := _LOGIN_REST.match(text, end + 1)) is not None:
            end = again.end() - 1
        user, colon, rest = login.partition(b":")
        if colon and b"/" not in user and not PORT.match(rest):
            yield Span(start + len(user) + 1, end, "url-password")
        elif not colon and b"/" not in user and len(user) >= 16:
            yield Span(start, end, "url-login")


def encoded(text: bytes, is_secret: Inner, depth: int) -> Iterator[Span]:
    """Yield base64 whose content is secret, as `is_secret` says of what it decodes to."""
    if depth >= DEPTH:
        return
    for found in BASE64.finditer(text):
        run = found[0]
        if _HEXADECIMAL.fullmatch(run):
            continue
        content = _decoded(run)
        if content and is_secret(content, depth + 1):
            yield Span(found.start(), found.end(), "base64")


def _decoded(run: bytes) -> bytes:
    """Return what base64 encodes if that is text, else nothing."""
    plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    # Most runs are no text: a few characters tell.
    if not _is_text(_decode(plain[:24])):
        return b""
    content = _decode(plain)
    return content if _is_text(content) else b""


def _decode(plain: bytes) -> bytes:
    try:
        return base64.b64decode(plain[: len(plain) // 4 * 4] + _end(plain))
    except binascii.Error:
        return b""


def _end(plain: bytes) -> bytes:
    rest = plain[len(plain) // 4 * 4 :]
    return rest + b"=" * (-len(rest) % 4) if len(rest) > 1 else b""


def _is_text(content: bytes) -> bool:
    if not content:
        return False
    others = content.translate(None, delete=_TEXT)
    return len(others) <= len(content) * (1 - TEXT_SHARE)

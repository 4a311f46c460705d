"""Ten thousand secrets, none of which is in the archive; and what must stay readable."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from model.redaction.objects import ObjectRedactor
from model.redaction.secret_values import SecretValues, of_secret_object
from model.redaction.text import TextRedactor
from ops.support import archive
from ops.support.collection import Collection
from tests.e2e.support_archive import opened
from tests.ops.support.seeds import Seeds, seeds


@pytest.fixture(scope="module")
def seeded() -> Seeds:
    return seeds()


@pytest.fixture(scope="module")
def written(seeded: Seeds, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an archive of all of these documents."""
    redactor = TextRedactor(
        SecretValues(value for secret in seeded.stored for value in of_secret_object(secret))
    )
    objects = ObjectRedactor(redactor)
    collection = Collection()
    everything = [*seeded.objects, *(("Secret", secret) for secret in seeded.stored)]
    for index, (kind, found) in enumerate(everything):
        clean = json.dumps(objects.object(found, kind), ensure_ascii=False)
        collection.add("api", f"objects/{index:05}.json", clean.encode())
    for start in range(0, len(seeded.logs), 100):
        stream = redactor.stream()
        path = f"logs/{start:05}.log"
        data = "".join(seeded.logs[start : start + 100]).encode()
        # As it arrives: in pieces that end anywhere.
        for position in range(0, len(data), 7001):
            collection.add("logs", path, stream.feed(data[position : position + 7001]))
        collection.add("logs", path, stream.finish())
    file = tmp_path_factory.mktemp("seeded") / "archive.tar.gz"
    archive.write(file, "one", collection, {}, [], time=time.time(), force=False)
    return opened(file.read_bytes())


def forms(secret: str) -> set[bytes]:
    """What a secret may look like."""
    raw = secret.encode()
    found = {raw, quote(secret, safe="").encode()}
    for is_ascii in (True, False):
        once = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        found |= {once.encode(), json.dumps(once)[1:-1].encode()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).rstrip(b"=")
        inner = encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def test_there_are_ten_thousand(seeded: Seeds) -> None:
    assert len(set(seeded.secrets)) >= 10_000
    assert len(seeded.stored) >= 5_000


def test_each_is_in_the_documents_before(seeded: Seeds) -> None:
    everything = "".join(
        [*seeded.logs, json.dumps(seeded.objects), json.dumps(seeded.stored)]
    ).encode()
    import ahocorasick_rs

    wanted = [sorted(forms(secret)) for secret in seeded.secrets]
    flat = [(form, index) for index, each in enumerate(wanted) for form in each]
    matcher = ahocorasick_rs.BytesAhoCorasick(
        [form for form, _ in flat], implementation=ahocorasick_rs.Implementation.ContiguousNFA
    )
    found = {flat[index][1] for index, _, _ in matcher.find_matches_as_indexes(everything, True)}
    # Those that are compressed, or encoded together with what is in front of them, are not seen.
    assert len(found) > 0.9 * len(seeded.secrets)


def test_none_is_in_the_archive(seeded: Seeds, written: dict[str, bytes]) -> None:
    import ahocorasick_rs

    everything = b"\0".join(written.values())
    flat = [(form, secret) for secret in seeded.secrets for form in forms(secret)]
    matcher = ahocorasick_rs.BytesAhoCorasick(
        [form for form, _ in flat], implementation=ahocorasick_rs.Implementation.ContiguousNFA
    )
    seen = {
        flat[index][1]: everything[max(0, start - 120) : end + 40]
        for index, start, end in matcher.find_matches_as_indexes(everything, True)
    }
    assert not seen, f"{len(seen)} of {len(seeded.secrets)}: {list(seen.items())[:8]}"


def test_what_surrounds_them_is(written: dict[str, bytes]) -> None:
    logs = b"".join(content for path, content in written.items() if path.startswith("logs/"))
    for text in (b"a line before", b"a line after", b"has expired", b"x.go:12] connecting as app",
                 b"db.example:5432/shop: refused", b"--verbose", b"GET /login?x=", b"ValueFrom",
                 ):  # fmt: skip
        assert logs.count(text) > 50, text

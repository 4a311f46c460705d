"""scripts/node/digest.sh: many files at once have the digests that each has by itself."""

import hashlib

import pytest

from tests.node.steps.disk import Disk

TEXTS = {
    "plain": "a\n",
    "no newline": "a",
    "empty": "",
    "mirror": 'server = "x"\nauthorization = "Basic abc"\nca = "y"\n',
    "back\\slash": "b\n",
}
MANY = 'digests "$DISK"/{plain,"no newline",empty,mirror,"back\\\\slash",nothing,folder}'
# A machine may have lost it, or the rules of its system may refuse it.
NO_OPENSSL = "openssl() { return 127; }\n"


@pytest.fixture
def files(disk: Disk) -> Disk:
    for name, text in TEXTS.items():
        (disk.folder / name).write_text(text)
    (disk.folder / "folder").mkdir()
    return disk


def lines(disk: Disk, call: str) -> list[str]:
    ran = disk.run(f"set -Eeuo pipefail\n{call}", "digest")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.replace(f"{disk.folder}/", "").splitlines()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_files_have_the_digests_that_each_has_by_itself(files: Disk) -> None:
    found = dict(line.split("\t") for line in lines(files, MANY))
    alone = MANY.replace("digests", "for path in").replace(
        "folder}", 'folder}; do digest "$path"; done'
    )
    assert list(found.values()) == lines(files, alone)
    assert list(found) == [*TEXTS, "nothing", "folder"]
    assert found["plain"] == sha256(TEXTS["plain"])
    assert (found["nothing"], found["folder"]) == ("missing", "missing")


def test_passwords_are_no_part_of_a_digest(files: Disk) -> None:
    found = dict(line.split("\t") for line in lines(files, MANY))
    assert found["mirror"] == sha256('server = "x"\nca = "y"\n')


@pytest.mark.parametrize("without", ["", NO_OPENSSL])
def test_checksums_do_not_depend_on_the_program_that_computes_them(
    files: Disk, without: str
) -> None:
    found = lines(files, f'{without}checksums "$DISK"/{{plain,"no newline",empty}}')
    assert [line.split(maxsplit=1) for line in found] == [
        [sha256(TEXTS[name]), name] for name in ("plain", "no newline", "empty")
    ]


@pytest.mark.parametrize("without", ["", NO_OPENSSL])
def test_a_file_that_is_gone_hides_no_other(files: Disk, without: str) -> None:
    found = lines(files, f'{without}checksums "$DISK"/{{nothing,plain}} || true')
    assert {line.split(maxsplit=1)[1]: line.split()[0] for line in found} == {
        "plain": sha256(TEXTS["plain"])
    }

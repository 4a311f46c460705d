"""The archive's file, its recipients, and what is collected until time is over."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from model.redaction.secret_values import SecretValue, SecretValues
from model.redaction.text import TextRedactor
from model.render import node_scripts
from ops import fan_out
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.support import archive, machines
from ops.support.collection import Collection, Ended
from ops.support.machine_parts import Part
from ops.support.recipients import recipients
from tests.e2e.support_archive import opened
from tests.scripts.conftest import TOP

KEY = pyrage.x25519.Identity.generate()


def ssh_key(folder: Path, name: str = "id", kind: str = "ed25519") -> Path:
    file = folder / name
    words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a colleague", "-f", str(file)]
    subprocess.run(words, check=True)
    return file


def collected(content: bytes = b"x" * 3_000_000) -> Collection:
    collection = Collection()
    collection.add("one", "a/b.log", content[:1000])
    collection.add("two", "other", b"")
    collection.add("one", "a/b.log", content[1000:])
    return collection


def write(file: Path, keys: list[object], *, force: bool = False) -> int:
    texts = {"README.txt": "hello"}
    return archive.write(file, "folder", collected(), texts, keys, time=1e9, force=force)


def test_each_recipient_reads_it_alone(tmp_path: Path) -> None:
    private = ssh_key(tmp_path)
    team = tmp_path / "team.txt"
    other = pyrage.x25519.Identity.generate()
    team.write_text(f"# the team\n\n{other.to_public()}\n{Path(f'{private}.pub').read_text()}")
    keys = recipients([str(KEY.to_public()), str(team)])
    assert len(keys) == 3
    file = tmp_path / "archive.age"
    size = write(file, keys)
    data = file.read_bytes()
    assert len(data) == size and b"folder" not in data and data.startswith(b"age-encryption.org/v1")
    assert file.stat().st_mode & 0o777 == 0o600
    identities = (KEY, other, pyrage.ssh.Identity.from_buffer(private.read_bytes()))
    for identity in identities:
        files = opened(pyrage.decrypt(data, [identity]))
        assert files == {"README.txt": b"hello", "a/b.log": b"x" * 3_000_000, "other": b""}
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(data, [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("age1nothing", "is not valid"),
        ("ssh-ed25519 AAAA", "is not valid"),
        ("missing.txt", "neither a key nor a file"),
        ("empty.txt", "there is no key in"),
        ("private.txt", "is a private key"),
        ("age.txt", "is a private key"),
        ("ecdsa.pub", "of type ecdsa-sha2-nistp256"),
        ("binary", "neither a key nor a file"),
    ],
)
def test_what_is_no_recipient_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("# nobody\n")
    Path("private.txt").write_bytes(ssh_key(tmp_path).read_bytes())
    Path("age.txt").write_text(f"# created\n{KEY}\n")
    ssh_key(tmp_path, "ecdsa", "ecdsa")
    Path("binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OperatorError, match=says) as error:
        recipients([str(KEY.to_public()), given] if given != "empty.txt" else [given])
    assert "AGE-SECRET-KEY" not in str(error.value)


def test_a_file_is_replaced_only_if_forced(tmp_path: Path) -> None:
    file = tmp_path / "archive.tar.gz"
    file.write_text("precious")
    with pytest.raises(OperatorError, match="exists: name another file"):
        write(file, [])
    assert file.read_text() == "precious"
    write(file, [], force=True)
    assert opened(file.read_bytes())["README.txt"] == b"hello"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["no/folder", "."])
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperatorError, match="folder"):
        write(tmp_path / name, [])


@pytest.mark.parametrize("with_names", [False, True])
def test_what_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_names: bool
) -> None:
    if with_names:
        # As on a file system whose files must have names.
        monkeypatch.setattr(os, "O_TMPFILE", 0)
    file = tmp_path / "archive.age"
    with pytest.raises(TypeError):
        write(file, ["no recipient"])
    assert list(tmp_path.iterdir()) == []
    write(file, [])
    assert list(tmp_path.iterdir()) == [file]


def test_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from ops.support import archive\n"
        "from ops.support.collection import Collection\n"
        "class Killing(Collection):\n"
        "    def content(self, entry):\n"
        "        yield b'x' * 10; os.kill(os.getpid(), 9)\n"
        "collection = Killing(); collection.add('a', 'a', b'x' * 20)\n"
        "archive.write(Path(sys.argv[1]), 'f', collection, {}, [], time=1, force=False)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], cwd=TOP)
    assert ended.returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_what_is_expected_and_does_not_come_is_missing() -> None:
    collection = Collection()
    collection.expect("machines/a", ["machines/a/one", "machines/a/two", "machines/a/three"])
    collection.expect("machines/b", ["machines/b/one", "machines/b/two"])
    collection.add("machines/a", "machines/a/one", b"all")
    collection.done("machines/a/one")
    collection.add("machines/a", "machines/a/two", b"some")
    collection.end("no answer within 30 s")
    with pytest.raises(Ended):
        collection.add("machines/a", "machines/a/two", b"late")
    collection.miss("machines/b", "late", "late")
    assert {entry.path: entry.cut for entry in collection.entries} == {
        "machines/a/one": "",
        "machines/a/two": "no answer within 30 s",
    }
    # Of a machine that said nothing, one thing is said.
    assert [missing.name for missing in collection.missing] == ["machines/a/three", "machines/b"]


def test_a_source_that_fails_lacks_what_it_has_not_added() -> None:
    collection = Collection()
    collection.expect("a", ["a/1", "a/2"])
    collection.fail("a", ["a/1", "a/2"], "refused")
    assert [(each.name, each.reason) for each in collection.missing] == [("a", "refused")]


def test_the_first_good_answer_is_taken() -> None:
    def call(number: int) -> int:
        if number == 1:
            raise OperatorError("no")
        return number

    assert fan_out.first([1, 0, 2], call, 5) == 2
    assert fan_out.first([1, 0], call, 5) is None
    assert fan_out.first([], call, 5) is None


def machine(role: str = "worker") -> InventoryMachine:
    return InventoryMachine("m-0", "one", role, "", "192.0.2.1", "existing", None)


def read(table: list[Part], receive: Callable[[int], bytes]) -> tuple[Collection, bool]:
    """What is collected of what a machine sent."""
    collection = Collection()
    collection.expect("machines/m-0", [f"machines/m-0/{part.name}" for part in table])
    values = SecretValues([SecretValue.of_object("a", "b", "c", b"very-secret")])
    reader = machines.MachineReader(machine(), tuple(table), TextRedactor(values), collection)
    is_complete = reader.read(receive)
    collection.end("not in time")
    return collection, is_complete


def content(collection: Collection, path: str) -> bytes:
    (entry,) = (each for each in collection.entries if each.path == f"machines/m-0/{path}")
    return b"".join(collection.content(entry))


def run(table: list[Part], limit: int = 1 << 20) -> bytes:
    """What the script prints on this host."""
    settings = {"PARTS": "".join(map(str, table)), "BYTES": str(limit), "LINES": "100"}
    text = node_scripts.compose("support", settings) + "support_facts\n"
    ended = subprocess.run(["bash"], input=text.encode(), capture_output=True, timeout=60)
    assert ended.returncode == 0 and not ended.stderr, ended.stderr
    return ended.stdout


def receiver(data: bytes) -> Callable[[int], bytes]:
    rest = [data]

    def receive(size: int) -> bytes:
        piece, rest[0] = rest[0][:size], rest[0][size:]
        return piece

    return receive


def test_a_machine_is_read(tmp_path: Path) -> None:
    odd = tmp_path / "odd.log"
    odd.write_bytes(b"a\0b \xff\xfe\n" + b"x" * 5000 + b"\nvery-secret\nlast line without end")
    (tmp_path / "large.log").write_bytes(b"0123456789abcde\n" * 200_000)
    (tmp_path / "empty.log").touch()
    table = [
        Part("said.txt", "command", "echo it is very-secret"),
        Part("fails.txt", "command", "ls /nonexistent-for-sure"),
        Part("absent.txt", "command", "no-such-program-here"),
        Part("hangs.txt", "command", "sleep 30", 1),
        Part("files", "files", f"{tmp_path}/*.log"),
        Part("none", "files", f"{tmp_path}/*.nothing"),
        Part("pods", "pods", "no-such-namespace_*"),
        Part("etcd.json", "etcd", "etcdctl member list"),
    ]
    collection, is_complete = read(table, receiver(run(table)))
    assert is_complete and not collection.missing
    assert content(collection, "said.txt") == b"it is <redacted:secret:a/b/c>\n"
    assert b"No such file" in content(collection, "fails.txt")
    assert b"no-such-program-here" in content(collection, "absent.txt")
    cut = {entry.path.removeprefix("machines/m-0/"): entry.cut for entry in collection.entries}
    assert cut["hangs.txt"] == "it took too long there"
    assert content(collection, f"files{odd}") == odd.read_bytes().replace(
        b"very-secret", b"<redacted:secret:a/b/c>"
    )
    assert len(content(collection, f"files{tmp_path}/large.log")) == 1 << 20
    assert content(collection, f"files{tmp_path}/empty.log") == b""
    assert b"no etcd container" in content(collection, "etcd.json")


def test_a_connection_that_ends_leaves_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("line\n" * 50_000)
    table = [Part("one.txt", "command", "echo one"), Part("log", "files", f"{tmp_path}/*.log"),
             Part("two.txt", "command", "echo two")]  # fmt: skip
    printed = run(table)
    end = printed.index(b"part\tlog") + 150
    collection, is_complete = read(table, receiver(printed[:end]))
    assert not is_complete
    assert content(collection, "one.txt") == b"one\n"
    assert {missing.name for missing in collection.missing} >= {"machines/m-0/two.txt"}


HOSTILE = {
    "upwards": b"part\t../../../etc/passwd\nend\t0\ncomplete\n",
    "absolute": b"part\t/etc/passwd\nend\t0\ncomplete\n",
    "no base64": b"part\ta.txt\n!!!\n????\nend\t0\ncomplete\n",
    "no end": b"part\ta.txt\n" * 1000,
    "long name": b"part\t" + b"a/" * 30_000 + b"\nend\t0\n",
    "long line": b"part\ta.txt\n" + b"A" * (1 << 20) + b"\nend\t0\ncomplete\n",
    "zeros": b"\0" * (1 << 20),
    "invalid": b"part\t\xff\xfe\x00\nend\t\xff\ncomplete\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_machine_claims_stays_in_its_folder(name: str) -> None:
    collection, _ = read([Part("a.txt", "command", "true")], receiver(HOSTILE[name]))
    for entry in collection.entries:
        assert entry.path.startswith("machines/m-0/") and ".." not in entry.path.split("/")
        assert len(entry.path) < 500 and entry.path.isprintable()


def test_without_the_values_of_secrets_only_components_have_logs() -> None:
    from ops.support.machine_parts import is_component, parts

    subjects = [part.subject for part in parts("worker", has_values=False) if part.kind == "pods"]
    assert "kube-system_*" not in subjects and "kube-system_etcd-*" in subjects
    assert "kube-system_*" in [part.subject for part in parts("worker", has_values=True)]
    assert is_component("etcd-one") and not is_component("etcdbackup") and not is_component("web")

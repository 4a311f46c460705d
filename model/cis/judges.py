"""Judges of flags, of files and of the kubelet's settings, from which items are made."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from model.cis.flags import Flags, is_true
from model.cis.item import Judgement, MachineJudge, listed
from model.cis.machine_facts import MachineFacts

ROOT = "root:root"
Test = Callable[[str | None], bool]
Paths = Callable[[MachineFacts], Iterable[str]]

# Cipher suites of TLS 1.2 with forward secrecy and authenticated encryption; 1.3 has no others.
STRONG_CIPHERS = frozenset(
    {
        *("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
        *("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        *("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    }
)


def flag(component: str, name: str, test: Test) -> MachineJudge:
    """Judge the value of a flag of every process of a component."""

    def judge(facts: MachineFacts) -> Judgement:
        values = [flags.last(name) for flags in facts.component(component)]
        return Judgement(all(map(test, values)), listed(_shown(name, value) for value in values))

    return judge


def words(component: str, name: str, test: Callable[[tuple[str, ...]], bool]) -> MachineJudge:
    """Judge the words of a flag's list."""

    def judge(facts: MachineFacts) -> Judgement:
        values = [flags.words(name) for flags in facts.component(component)]
        shown = (_shown(name, ",".join(value) or None) for value in values)
        return Judgement(all(map(test, values)), listed(shown))

    return judge


def gate_is_on(component: str, name: str) -> MachineJudge:
    """Judge that a feature gate, on by default, is not switched off."""

    def is_on(gates: tuple[str, ...]) -> bool:
        given = [gate.partition("=")[2] for gate in gates if gate.partition("=")[0] == name]
        return not given or is_true(given[-1])

    return words(component, "feature-gates", is_on)


def strong_ciphers(flags: Flags) -> bool:
    """Whether a server accepts strong cipher suites only."""
    suites = flags.words("tls-cipher-suites")
    return flags.last("tls-min-version") == "VersionTLS13" or (
        bool(suites) and STRONG_CIPHERS.issuperset(suites)
    )


def is_set(value: str | None) -> bool:
    """Whether a flag is set."""
    return bool(value)


def is_not_set(value: str | None) -> bool:
    """Whether a flag is not set."""
    return value is None


def at_least(limit: int) -> Test:
    """Test that a number is not less than the limit."""
    return lambda value: value is not None and value.isdecimal() and int(value) >= limit


def is_loopback(value: str | None) -> bool:
    """Whether an address is the machine's own, for nobody else."""
    try:
        return ip_address(value or "").is_loopback
    except ValueError:
        return False


def modes(paths: Paths, limit: int) -> MachineJudge:
    """Judge that none of the files permits more than the limit."""
    return _files(
        paths, lambda facts, path: facts.files[path].mode & ~limit == 0, lambda mode, _: f"{mode:o}"
    )


def owners(paths: Paths, owner: str = ROOT) -> MachineJudge:
    """Judge that all of the files belong to `owner:group`."""
    return _files(
        paths, lambda facts, path: facts.files[path].owner == owner, lambda _, owner: owner
    )


def _files(
    paths: Paths,
    test: Callable[[MachineFacts, str], bool],
    shown: Callable[[int, str], str],
) -> MachineJudge:
    def judge(facts: MachineFacts) -> Judgement:
        judged = sorted(set(paths(facts)))
        if not judged:
            return Judgement(True, "no such file")
        missing = [path for path in judged if path not in facts.files]
        present = [path for path in judged if path in facts.files]
        wrong = [path for path in present if not test(facts, path)]

        def described(path: str) -> str:
            file = facts.files[path]
            return f"{path} {shown(file.mode, file.owner)}"

        if missing or wrong:
            found = [f"{path} is missing" for path in missing] + [described(path) for path in wrong]
            return Judgement(False, listed(found))
        if len(present) == 1:
            return Judgement(True, described(present[0]))
        return Judgement(True, f"{len(present)} files")

    return judge


def fixed(*paths: str) -> Paths:
    """Take these paths, which must exist."""
    return lambda _facts: paths


def existing(*paths: str) -> Paths:
    """Take those of these paths that exist."""
    return lambda facts: [path for path in paths if path in facts.files]


def named_by(component: str, name: str) -> Paths:
    """Take the paths that a flag of a component names."""

    def paths(facts: MachineFacts) -> Iterable[str]:
        values = [flags.last(name) for flags in facts.component(component)]
        return [value if value else f"the file of --{name}" for value in values]

    return paths


def below(folder: str, *endings: str) -> Paths:
    """Take the files below a folder, and its folders if no ending is given."""
    return lambda facts: facts.below(folder, *endings)


def _shown(name: str, value: str | None) -> str:
    return f"--{name} is not set" if value is None else f"--{name}={value}"

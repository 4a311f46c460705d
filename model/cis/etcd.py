"""Section 2: etcd's flags, and the variables that etcd takes instead of them."""

from collections.abc import Callable
from functools import partial

from model.cis.api_server import RESTORED
from model.cis.flags import Flags, is_true
from model.cis.item import Judgement, MachineItem, MachineJudge, both, listed
from model.cis.judges import is_set
from model.cis.machine_facts import MachineFacts

NAME = "etcd"
EXTRA = "Remove it from etcd.extraArgs."

_automated = partial(MachineItem, automated=True, control_planes_only=True)
_manual = partial(MachineItem, automated=False, control_planes_only=True)


def _setting(name: str, test: Callable[[str | None], bool]) -> MachineJudge:
    """Judge a setting: its flag, or else its variable."""
    variable = f"ETCD_{name.replace('-', '_').upper()}"

    def judge(facts: MachineFacts) -> Judgement:
        def value(flags: Flags) -> str | None:
            given = flags.last(name)
            return facts.variables.get(variable) if given is None else given

        values = [value(flags) for flags in facts.component(NAME)]
        shown = (f"--{name} is not set" if each is None else f"--{name}={each}" for each in values)
        return Judgement(all(map(test, values)), listed(shown))

    return judge


def _is_off(value: str | None) -> bool:
    return not is_true(value)


def _own_authority(facts: MachineFacts) -> Judgement:
    """Judge whether etcd's clients have another CA than the API server's clients."""
    of_etcd = facts.digests.get((NAME, "trusted-ca-file"))
    of_cluster = facts.digests.get(("kube-apiserver", "client-ca-file"))
    if of_etcd is None or of_cluster is None:
        return Judgement(False, "the CA of one of them cannot be read")
    same = of_etcd == of_cluster
    return Judgement(not same, "the same CA" if same else "another CA than the API server's")


ITEMS = (
    _automated(
        "2.1",
        "etcd serves with a certificate",
        RESTORED,
        judge=both(_setting("cert-file", is_set), _setting("key-file", is_set)),
    ),
    _automated(
        "2.2",
        "etcd's clients need a certificate",
        RESTORED,
        judge=_setting("client-cert-auth", is_true),
    ),
    _automated(
        "2.3",
        "etcd does not serve with a certificate that it made itself",
        EXTRA,
        judge=_setting("auto-tls", _is_off),
    ),
    _automated(
        "2.4",
        "etcd's members have certificates for each other",
        RESTORED,
        judge=both(_setting("peer-cert-file", is_set), _setting("peer-key-file", is_set)),
    ),
    _automated(
        "2.5",
        "etcd's members verify each other",
        RESTORED,
        judge=_setting("peer-client-cert-auth", is_true),
    ),
    _automated(
        "2.6",
        "etcd's members do not use certificates that they made themselves",
        EXTRA,
        judge=_setting("peer-auto-tls", _is_off),
    ),
    _manual("2.7", "etcd has a CA of its own", RESTORED, judge=_own_authority),
)

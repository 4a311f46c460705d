"""The end of a person's access: every place is tried, and those that fail are named."""

from ops import revocation
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.kube import client
from ops.revocation import RBAC, Outcome
from tests.ops.kube.api_server import Api, api

__all__ = ["api"]
PLANE = InventoryMachine("plane", "a", "control-plane", "", "10.0.0.1", "container", None)


def binding(name: str, **metadata: str) -> dict[str, object]:
    return {"metadata": {"name": name, **metadata}}


def test_bindings_are_deleted_everywhere_and_those_of_others_stay(api: Api) -> None:
    own, other = "kubeadm-fleet:alice:view", "kubeadm-fleet:alice2:view"
    api.lists[f"{RBAC}/clusterrolebindings"] = [binding(own), binding(other), binding("alice")]
    api.lists[f"{RBAC}/rolebindings"] = [binding(own, namespace="shop")]
    paths = (f"{RBAC}/clusterrolebindings/{own}", f"{RBAC}/namespaces/shop/rolebindings/{own}")
    for path in paths:
        api.answers[f"DELETE {path}"] = (200, {})

    def silent() -> client.Client:
        raise OperatorError("it does not answer")

    outcomes = revocation.revoke(
        "alice", "a CA", [PLANE], {"a": lambda: client.of(api.kubeconfig), "b": silent}
    )
    assert outcomes[1:] == [
        Outcome("a", "2 bindings deleted"),
        Outcome("b", "it does not answer", failed=True),
    ]
    assert (outcomes[0].place, outcomes[0].failed) == ("plane", True), "no login is known"
    assert [asked for asked in api.asked if "DELETE" in asked] == [f"DELETE {p}" for p in paths]

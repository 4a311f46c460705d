"""What a watch says of kube-proxy that is gone."""

from pathlib import Path

from model.status.fleet import AddOn
from ops.kube.cluster_status import PROBE
from ops.watch import add_ons, findings
from ops.watch.view import Limits
from tests.ops.watch.test_silence import view

ROOT = Path(__file__).parents[3]


def test_the_advice_for_a_lost_kube_proxy_keeps_its_configuration() -> None:
    names = ("flannel", PROBE)
    others = tuple(AddOn(name=name, ready=3, desired=3, version="v1") for name in names)
    found = findings.snapshot(view(add_ons=others, is_ours=True), Limits()).findings
    (message,) = (each.message for each in found if each.item == add_ons.PROXY)
    # `kubeadm init phase addon` without a file would replace it by defaults.
    assert "-- kubeadm upgrade node phase addon kube-proxy`" in message
    assert "init phase" not in message
    (runbook,) = {each.runbook for each in found}
    assert add_ons.RESTORE_PROXY in (ROOT / runbook).read_text()

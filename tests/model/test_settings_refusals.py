"""Invalid settings of components and Nodes: path and message of each problem."""

import pytest

from model.config import component_flags, kubelet_fields
from tests.model.examples import CONTAINER
from tests.model.refusals import Case, check_refused, problems

ONE = "clusters/cluster1"
WHERE = "clusters.cluster1"
DATABASE = "dedicated=database:NoSchedule"

CASES: dict[str, Case] = {
    "a misspelt kubelet field": (
        [(f"{ONE}/kubelet", {"maxPod": 50})], f"{WHERE}.kubelet.maxPod", "did you mean maxPods?",
    ),
    "a kubelet field that is none": (
        [("kubelet", {"bogus": 50})], "kubelet.bogus", "unknown field of KubeletConfiguration",
    ),
    "a kubelet number as text": (
        [("kubelet", {"maxPods": "50"})], "kubelet.maxPods", "not a whole number",
    ),
    "a kubelet number as a truth": (
        [("kubelet", {"maxPods": True})], "kubelet.maxPods", "not a whole number",
    ),
    "a kubelet duration without a unit": (
        [("kubelet", {"syncFrequency": "30"})], "kubelet.syncFrequency", "not a duration",
    ),
    "a kubelet duration as a number": (
        [("kubelet", {"syncFrequency": 30})], "kubelet.syncFrequency", "not a duration",
    ),
    "a kubelet choice as text": (
        [("kubelet", {"failSwapOn": "no"})], "kubelet.failSwapOn", "not true or false",
    ),
    "kubelet texts as numbers": (
        [("kubelet", {"kubeReserved": {"cpu": 1}})], "kubelet.kubeReserved", "not a mapping of",
    ),
    "feature gates as text": (
        [("kubelet", {"featureGates": {"NodeSwap": "true"}})],
        "kubelet.featureGates", "not a mapping of names to true or false",
    ),
    "a kubelet that would not notice its renewed certificate": (
        [("kubelet", {"featureGates": {"ReloadKubeletServerCertificateFile": False}})],
        "kubelet.featureGates", "its serving certificate was renewed",
    ),
    "a kubelet without any beta feature": (
        [("kubelet", {"featureGates": {"AllBeta": False}})],
        "kubelet.featureGates", "without ReloadKubeletServerCertificateFile",
    ),
    "a kubelet list of one": (
        [("kubelet", {"tlsCipherSuites": "TLS_AES_128_GCM_SHA256"})],
        "kubelet.tlsCipherSuites", "not a list",
    ),
    "a kubelet field with nothing": (
        [("kubelet", {"maxPods": None})], "kubelet.maxPods", "not a whole number",
    ),
    "a kubelet field of a later version": (
        [("kubernetesVersion", "1.35.4"), ("clusters/cluster2/kubernetesVersion", "1.36.3"),
         ("kubelet", {"memoryReservationPolicy": "None"})],
        "kubelet.memoryReservationPolicy", "not supported by the kubelet of v1.35.4",
    ),
    "kubelet as a list": ([("kubelet", [])], "kubelet", "not a mapping"),
    "an argument with its dashes": (
        [(f"{ONE}/scheduler/extraArgs", {"--v": "4"})],
        f"{WHERE}.scheduler.extraArgs.--v", "leading dashes",
    ),
    "an argument in camel case": (
        [(f"{ONE}/scheduler/extraArgs", {"leaderElect": "true"})],
        f"{WHERE}.scheduler.extraArgs.leaderElect", "invalid flag name",
    ),
    "an argument as a number": (
        [("scheduler/extraArgs", {"v": 4})], "scheduler.extraArgs.v", "not a string",
    ),
    "an argument as a truth": (
        [("apiServer/extraArgs", {"profiling": False})],
        "apiServer.extraArgs.profiling", "not a string",
    ),
    "an argument of two lines": (
        [("etcd/extraArgs", {"metrics": "a\nb"})], "etcd.extraArgs.metrics", "not a string",
    ),
    "arguments as kubeadm's list": (
        [("etcd/extraArgs", [{"name": "metrics", "value": "basic"}])],
        "etcd.extraArgs", "not a mapping",
    ),
    "admission plugins without NodeRestriction": (
        [("apiServer/extraArgs", {"enable-admission-plugins": "AlwaysPullImages"})],
        "apiServer.extraArgs.enable-admission-plugins", "without NodeRestriction",
    ),
    "admission plugins that lose NodeRestriction": (
        [("apiServer/extraArgs", {"disable-admission-plugins": "NodeRestriction"})],
        "apiServer.extraArgs.disable-admission-plugins", "without NodeRestriction",
    ),
    "a certificate name that is none": (
        [("apiServer/certSANs", ["https://api.example.com"])],
        "apiServer.certSANs[0]", "not a host",
    ),
    "certSANs in another spelling": (
        [("apiServer/certSans", ["api.example.com"])], "apiServer.certSans", "mean certSANs?",
    ),
    "settings of a component that has none": (
        [("scheduler/certSANs", [])], "scheduler.certSANs", "unknown key",
    ),
    "a taint without an effect": (
        [(f"{ONE}/workers/taints", ["dedicated=database"])],
        f"{WHERE}.workers.taints[0]", "not a taint",
    ),
    "a taint with an effect that is none": (
        [(f"{ONE}/workers/taints", ["dedicated=database:noschedule"])],
        f"{WHERE}.workers.taints[0]", "unknown effect 'noschedule'",
    ),
    "a taint of Kubernetes' controllers": (
        [(f"{ONE}/workers/taints", ["node.kubernetes.io/unschedulable:NoSchedule"])],
        f"{WHERE}.workers.taints[0]", "are set by Kubernetes controllers",
    ),
    "a taint twice": (
        [(f"{ONE}/workers/taints", [DATABASE, "dedicated=web:NoSchedule"])],
        f"{WHERE}.workers.taints[1]", "dedicated already has the effect NoSchedule",
    ),
    "a taint as a mapping": (
        [(f"{ONE}/workers/taints", [{"key": "dedicated"}])],
        f"{WHERE}.workers.taints[0]", "not a taint",
    ),
    "no Node for CoreDNS": (
        [(f"{ONE}/workers/taints", [DATABASE]), (f"{ONE}/controlPlanes/taints", [DATABASE])],
        f"{WHERE}.workers.taints", "CoreDNS does not tolerate",
    ),
    "no Node for CoreDNS, without workers": (
        [(f"{ONE}/workers", {"count": 0}), (f"{ONE}/controlPlanes/taints", [DATABASE])],
        f"{WHERE}.controlPlanes.taints", "CoreDNS does not tolerate",
    ),
    "a label that the kubelet sets": (
        [(f"{ONE}/workers/labels", {"kubernetes.io/hostname": "a"})],
        f'{WHERE}.workers.labels["kubernetes.io/hostname"]', "reserved for Kubernetes",
    ),
    "a label that kubeadm sets": (
        [(f"{ONE}/workers/labels", {"node-role.kubernetes.io/control-plane": ""})],
        f'{WHERE}.workers.labels["node-role.kubernetes.io/control-plane"]', "set by kubeadm",
    ),
    "a label that is none": (
        [(f"{ONE}/controlPlanes/labels", {"disk": "very fast"})],
        f"{WHERE}.controlPlanes.labels.disk", "not a label value",
    ),
    "a consent that is none": (
        [(f"{ONE}/controlPlanes/acceptDataLoss", True)],
        f"{WHERE}.controlPlanes.acceptDataLoss", "not a reason",
    ),
    "a consent for workers": (
        [(f"{ONE}/workers/acceptDataLoss", "OPS-123")],
        f"{WHERE}.workers.acceptDataLoss", "unknown key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_config_is_rejected_with_exactly_this_problem(case: Case) -> None:
    check_refused(CONTAINER, case)


@pytest.mark.parametrize("field", sorted(kubelet_fields.OWNED))
def test_managed_kubelet_fields_are_rejected_with_the_reason(field: str) -> None:
    reason = kubelet_fields.OWNED[field]
    check_refused(CONTAINER, ([("kubelet", {field: True})], f"kubelet.{field}", reason))


OWNED = {
    "apiServer": component_flags.API_SERVER,
    "controllerManager": component_flags.CONTROLLER_MANAGER,
    "scheduler": component_flags.SCHEDULER,
    "etcd": component_flags.ETCD,
}
FLAGS = [(part, pattern) for part, owned in OWNED.items() for pattern in sorted(owned)]


@pytest.mark.parametrize(("part", "pattern"), FLAGS, ids=[" ".join(each) for each in FLAGS])
def test_managed_arguments_are_rejected_with_the_reason(part: str, pattern: str) -> None:
    flag = pattern.replace("-*", "-any").replace("*", "-any")
    path = f"clusters.cluster1.{part}.extraArgs.{flag}"
    change = (f"{ONE}/{part}/extraArgs", {flag: "x"})
    check_refused(CONTAINER, ([change], path, OWNED[part][pattern]))


def test_what_is_expected_names_the_version_that_has_the_field() -> None:
    fields = {"memoryReservationPolicy": "None"}
    (problem,) = problems({**CONTAINER, "kubernetesVersion": "1.35.4", "kubelet": fields})
    assert problem.allowed == "Kubernetes 1.36 or later, or a field that v1.35.4 has"


def test_invalid_entries_are_reported_together() -> None:
    config = {
        "kubelet": {"maxPod": 1, "cgroupDriver": "systemd", "syncFrequency": 3, "maxPods": 20},
        "clusters": {"cluster1": {
            "machines": {"subnet": "10.89.1.0/24"},
            "workers": {"count": 1, "taints": [3, "a:NoSchedule", "a:NoSchedule"]},
        }},
    }  # fmt: skip
    paths = [each.path.removeprefix("kubeadm-fleet:fleet.") for each in problems(config)]
    assert sorted(paths) == [
        "clusters.cluster1.workers.taints[0]",
        "kubelet.cgroupDriver",
        "kubelet.maxPod",
        "kubelet.syncFrequency",
    ]


def test_the_example_for_an_invalid_entry_is_a_complete_line() -> None:
    (problem,) = problems({**CONTAINER, "apiServer": {"extraArgs": {"profiling": False}}})
    assert problem.value == "false"
    assert problem.example == 'profiling: "false"'

"""Sections 1.3 and 1.4: the flags of controller managers and schedulers."""

from functools import partial

from model.cis.api_server import RESTORED
from model.cis.flags import is_false, is_true
from model.cis.item import MachineItem
from model.cis.judges import flag, gate_is_on, is_loopback, is_set

MANAGER, SCHEDULER = "kube-controller-manager", "kube-scheduler"

_automated = partial(MachineItem, automated=True, control_planes_only=True)
_manual = partial(MachineItem, automated=False, control_planes_only=True)

ITEMS = (
    _manual(
        "1.3.1",
        "The number of ended pods that are kept suits the cluster",
        "In the config: controllerManager: {extraArgs: {terminated-pod-gc-threshold: '500'}}; "
        "without it, 12500 are kept.",
        judge=flag(MANAGER, "terminated-pod-gc-threshold", is_set),
    ),
    _automated(
        "1.3.2",
        "Profiling of the controller manager is off",
        "In the config: controllerManager: {extraArgs: {profiling: 'false'}}.",
        judge=flag(MANAGER, "profiling", is_false),
    ),
    _automated(
        "1.3.3",
        "Each controller has a service account of its own",
        RESTORED,
        judge=flag(MANAGER, "use-service-account-credentials", is_true),
    ),
    _automated(
        "1.3.4",
        "Tokens of service accounts are signed with a key of their own",
        RESTORED,
        judge=flag(MANAGER, "service-account-private-key-file", is_set),
    ),
    _automated(
        "1.3.5",
        "Pods get the CA with which they verify the API server",
        RESTORED,
        judge=flag(MANAGER, "root-ca-file", is_set),
    ),
    _automated(
        "1.3.6",
        "The controller manager may sign kubelets' serving certificates",
        "Remove RotateKubeletServerCertificate from feature-gates in controllerManager.extraArgs.",
        judge=gate_is_on(MANAGER, "RotateKubeletServerCertificate"),
    ),
    _automated(
        "1.3.7",
        "The controller manager is reachable on its own machine only",
        "Remove bind-address from controllerManager.extraArgs.",
        judge=flag(MANAGER, "bind-address", is_loopback),
    ),
    _automated(
        "1.4.1",
        "Profiling of the scheduler is off",
        "In the config: scheduler: {extraArgs: {profiling: 'false'}}.",
        judge=flag(SCHEDULER, "profiling", is_false),
    ),
    _automated(
        "1.4.2",
        "The scheduler is reachable on its own machine only",
        "Remove bind-address from scheduler.extraArgs.",
        judge=flag(SCHEDULER, "bind-address", is_loopback),
    ),
)

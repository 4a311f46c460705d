"""Pods that serve, and pods that try to reach them from their very first moment."""

import json
from typing import Any

from tests.e2e.kubectl import Kubectl

IMAGE = "ghcr.io/flannel-io/flannel:v0.28.10"
PORT = 8080
SERVE = f"busybox nc -ll -p {PORT} -e busybox echo hello"
# One line for each attempt: the first begins before the pod is a second old.
TRY = (
    f'while :; do said="$(busybox nc -w 1 $TARGET {PORT} </dev/null 2>/dev/null)"; '
    '[ "$said" = hello ] && echo reached || echo missed; busybox sleep 0.2; done'
)


class Pods:
    """The pods of one namespace."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self._kubectl = kubectl
        self.namespace = namespace
        self._apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    def __call__(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self._kubectl("--namespace", self.namespace, *arguments)

    def serve(self, name: str, node: str) -> str:
        """Start a pod that greets everyone who connects; return its address."""
        self._start(name, node, SERVE)
        return self.address(name)

    def attempt(self, name: str, node: str, target: str, *, ready: bool = True) -> None:
        """Start a pod that connects to the target again and again."""
        self._start(name, node, f"TARGET={target}; {TRY}", ready=ready)

    def address(self, name: str) -> str:
        """Return the pod's address."""
        return self("get", "pod", name, "--output", "jsonpath={.status.podIP}")

    def answers(self, name: str) -> list[str]:
        """Return what each attempt of the pod's present container came to, in order."""
        return self("logs", name).split()

    def reaches(self, name: str, target: str) -> bool:
        """Return whether the pod reaches the target now."""
        ask = f'[ "$(busybox nc -w 1 {target} {PORT} </dev/null)" = hello ] && echo yes || echo no'
        return self("exec", name, "--", "busybox", "sh", "-c", ask).strip() == "yes"

    def connects(self, name: str, address: str, port: int) -> bool:
        """Return whether the pod can open a connection to an address of any kind now."""
        ask = f"busybox nc -w 2 {address} {port} -e busybox true && echo yes || echo no"
        return self("exec", name, "--", "busybox", "sh", "-c", ask).strip() == "yes"

    def resolves(self, name: str) -> bool:
        """Return whether the pod can ask the cluster's DNS now."""
        ask = "busybox nslookup -timeout=2 kubernetes.default.svc.cluster.local && echo yes"
        return "yes" in self("exec", name, "--", "busybox", "sh", "-c", f"{ask} || echo no")

    def allow(self, name: str, **spec: Any) -> None:
        """Apply a NetworkPolicy."""
        meta = {"name": name, "namespace": self.namespace}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
        self._apply({**kind, "metadata": meta, "spec": spec})

    def _start(self, name: str, node: str, shell: str, *, ready: bool = True) -> None:
        container = {
            "name": "main", "image": IMAGE, "command": ["busybox", "sh", "-c", shell],
        }  # fmt: skip
        spec = {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [container],
        }
        meta = {"name": name, "namespace": self.namespace, "labels": {"app": name.split("-")[0]}}
        self._apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        if ready:
            self("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    def _apply(self, item: dict[str, Any]) -> None:
        self._kubectl("apply", "--filename", "-", stdin=json.dumps(item))

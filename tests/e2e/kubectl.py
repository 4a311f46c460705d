"""The real kubectl, from the bundle, with a kubeconfig of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from model import paths

DEADLINE_SECONDS = 120
# Who may join with a bootstrap token, by kubeadm's rules.
TOKEN_GROUP = "system:bootstrappers:kubeadm:default-node-token"


class Kubectl:
    """Runs kubectl against one context of a kubeconfig."""

    def __init__(self, kubeconfig: Path, context: str | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.context = context

    def within(self, context: str) -> "Kubectl":
        """The same kubeconfig, another context."""
        return Kubectl(self.kubeconfig, context)

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl, which must succeed; return what it printed."""
        binary = paths.bundle_dir("v1.36.3") / "bin" / "kubectl"
        context = ["--context", self.context] if self.context else []
        finished = subprocess.run(
            [str(binary), "--kubeconfig", str(self.kubeconfig), *context, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert finished.returncode == 0, f"{arguments}: {finished.stderr}"
        return finished.stdout

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The items of a list."""
        items: list[dict[str, Any]] = json.loads(self(*arguments, "--output", "json"))["items"]
        return items

    def node_names(self) -> list[str]:
        """Names of the Nodes that are Ready, sorted."""
        return sorted(
            node["metadata"]["name"]
            for node in self.items("get", "nodes")
            if any(
                c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"]
            )
        )


def token_rules(kubectl: Kubectl) -> list[str]:
    """The bindings that give rights to holders of bootstrap tokens."""
    return [
        binding["metadata"]["name"]
        for binding in kubectl.items("get", "clusterrolebindings")
        if TOKEN_GROUP in [subject["name"] for subject in binding.get("subjects", ())]
    ]

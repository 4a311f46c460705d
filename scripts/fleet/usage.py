"""Usage hints printed once the clusters are up."""

import os
import shlex
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from model.paths import bundle_dir


def how_to_use(kubeconfigs: Sequence[Path], versions: Iterable[str]) -> str:
    """Return commands that use the clusters, with a kubectl of a matching version in PATH."""
    config = yaml.safe_load(kubeconfigs[0].read_text(encoding="utf-8"))
    context = config["current-context"]
    files = os.pathsep.join(map(str, kubeconfigs))
    lines = [f"export KUBECONFIG={shlex.quote(files)}"]
    folders = [bundle_dir(version) / "bin" for version in dict.fromkeys(versions)]
    bundled = [folder for folder in folders if (folder / "kubectl").exists()]
    if bundled:
        lines.append(f"export PATH={shlex.quote(str(bundled[0]))}:$PATH")
    elif shutil.which("kubectl") is None:
        lines.append("# kubectl is not installed: `fleet build stack bundle` provides one")
    lines += [
        "kubectl config get-contexts",
        f"kubectl --context {context} get nodes",
    ]
    return "\n".join(f"  {line}" for line in lines)

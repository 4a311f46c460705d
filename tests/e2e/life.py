"""A stack that exists while the tests of a module run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model.load import load
from scripts.build import image
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.ops.nspawn import host
from tests.tmp_machines import workshop


@contextmanager
def living(config: dict[str, Any], program: Path = CHECKOUT) -> Iterator[PulumiStack]:
    """Give a stack of the program, up; whatever a test leaves of it is destroyed.

    Clusters that choose other supplements than the default have images of their own, made here.
    """
    for cluster in load(config).clusters:
        image.make(cluster.kubernetes_version, cluster.supplements)
    with workshop() as folder:
        stack = PulumiStack(folder, "test", config, program)
        stack.create()
        try:
            stack.up()
            yield stack
        finally:
            stack.run("cancel", "--yes")
            marks = stack.marks()
            stack.destroy()
            left = host.parts(*marks)
            assert not any(left.values()), left


def access(stack: PulumiStack) -> Kubectl:
    """Give kubectl with the kubeconfig that the stack exports."""
    path = stack.folder / "kubeconfig"
    path.write_text(stack.output("kubeconfig"))
    path.chmod(0o600)
    return Kubectl(path)

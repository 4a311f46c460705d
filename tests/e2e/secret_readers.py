"""Clients that read and write Secrets at every API server of a cluster while it is changed."""

import threading
from collections.abc import Sequence
from http import HTTPStatus

from ops.kube.client import Client
from ops.kube.errors import ApiError, Unavailable
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack

TEXT = "an-unmistakable-text"


class Readers:
    """Read all Secrets from each API server, and write one to each, until they are told to end.

    `planes` are those of the cluster that the kubeconfig names first.

    `unreadable` are the answers that are not those of an API server that is being restarted.
    """

    def __init__(self, fleet: PulumiStack, planes: Sequence[str]) -> None:
        self.reads = 0
        self.unreadable: list[str] = []
        self._ends = threading.Event()
        kubeconfig = fleet.output("kubeconfig")
        server = next(line for line in kubeconfig.splitlines() if "server:" in line)
        addresses = Machines(fleet)
        self._threads = [
            threading.Thread(
                target=self._read,
                args=(
                    plane,
                    Client(kubeconfig.replace(server, f"    server: https://{address}:6443")),
                ),
            )
            for plane in planes
            for address in [addresses.run(plane, "hostname --all-ip-addresses").split()[0]]
        ]

    def _read(self, name: str, client: Client) -> None:
        client = client.limited(retries=0, seconds=5)
        while not self._ends.is_set():
            body = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"generateName": f"{name}-"},
                "stringData": {"text": TEXT},
            }
            try:
                client.create("/api/v1/namespaces/default/secrets", body)
                client.get("/api/v1/secrets")
                self.reads += 1
            except Unavailable as error:
                if "decrypt" in str(error) or "transform" in str(error):
                    self.unreadable.append(str(error))
            except ApiError as error:
                # One that has just started has not read its roles yet.
                if error.status != HTTPStatus.FORBIDDEN:
                    self.unreadable.append(str(error))
            self._ends.wait(0.2)

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

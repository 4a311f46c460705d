"""The API of a cluster that may be half dead: which of its servers answers, and what it keeps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from model.api_objects import Json
from model.redaction import secret_values
from model.redaction.secret_values import SecretValue
from ops import fan_out
from ops.errors import OperatorError
from ops.kube.access import Access
from ops.kube.client import METADATA, Client
from ops.kube.errors import ApiError

# How long a server may take to say that it is ready, or else, that it is there.
READY_SECONDS, ANSWER_SECONDS = 3.0, 3.0
REQUEST_SECONDS = 8.0
PAGE = 100
SECRETS = "/api/v1/secrets"
NAMES = ("/api/v1/namespaces", "/api/v1/nodes")


@dataclass(frozen=True)
class Api:
    """A server that answers; one whose etcd does not gives what it has in memory."""

    client: Client
    is_ready: bool

    def items(self, path: str, *, accept: str = "") -> Iterator[Json]:
        """Yield the objects of a list; raises ApiError."""
        # With this version, a server answers without etcd, and does not divide the list.
        query = {"limit": PAGE} if self.is_ready else {"resourceVersion": "0"}
        if accept:
            return self.client.pages(path, accept=accept, **query)
        return self.client.pages(path, **query)


def reach(endpoint: Client, addresses: Sequence[str], seconds: float) -> Api:
    """Return the API behind the endpoint, or that of a control plane at one of these addresses.

    Raises OperatorError if none answers in time.
    """
    access = endpoint.access
    others = [Client(_at(access, address)) for address in addresses]
    clients = [client.limited(retries=0, seconds=REQUEST_SECONDS) for client in (endpoint, *others)]

    reasons: dict[str, str] = {}

    def ready(client: Client) -> Client:
        client.text("/readyz")
        return client

    def answering(client: Client) -> Client:
        try:
            client.get("/version")
        except ApiError as error:
            reasons[client.access.server] = error.message
            raise
        return client

    if found := fan_out.first(clients, ready, min(READY_SECONDS, seconds / 2)):
        return Api(found, is_ready=True)
    # A load balancer soon stops to pass requests on to a server that is not ready.
    for asked in filter(None, (clients[1:], clients[:1])):
        if found := fan_out.first(asked, answering, min(ANSWER_SECONDS, seconds / 4)):
            return Api(found, is_ready=False)
    said = (
        f"{client.access.server} ({reasons.get(client.access.server, 'no answer in time')})"
        for client in clients
    )
    raise OperatorError(f"no API server answered at {', '.join(said)}")


def _at(access: Access, address: str) -> Access:
    host = f"[{address}]" if ":" in address else address
    # Its certificate has this address, too.
    return replace(access, server=f"https://{host}:6443", server_name="")


def values(api: Api) -> tuple[list[SecretValue], list[str]]:
    """Return the values of all Secrets, and the names that are no secret; raises ApiError."""
    found = [
        value for secret in api.items(SECRETS) for value in secret_values.of_secret_object(secret)
    ]
    names = []
    for path in NAMES:
        try:
            names += [each["metadata"]["name"] for each in api.items(path, accept=METADATA)]
        except ApiError:
            continue  # More is redacted than need be.
    return found, names

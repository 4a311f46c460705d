"""The API endpoint that several control planes share."""

from pydantic import Field

from model.config.addresses import AddressPort, HostPort
from model.config.strict import Strict


class Endpoint(Strict):
    """The shared API endpoint of all control planes; exactly one of the two is set."""

    external: HostPort | None = Field(
        None,
        description="The host:port of an existing load balancer. If it asks /readyz, set "
        "apiServer.extraArgs.shutdown-delay-duration to how long it takes to notice that an API "
        "server is ending, at most 20s: until then it serves on.",
    )
    vip: AddressPort | None = Field(
        None,
        description="A virtual IP address:port on the control planes, provided by haproxy and "
        "keepalived; the address is an unused address in the machines' subnet.",
    )

"""The API endpoint that several control planes share."""

from pydantic import Field

from model.config.addresses import AddressPort, HostPort
from model.config.strict import Strict


class Endpoint(Strict):
    """The shared API endpoint of all control planes; exactly one of the two is set."""

    external: HostPort | None = Field(
        None, description="The host:port of an existing load balancer."
    )
    vip: AddressPort | None = Field(
        None,
        description="A virtual IP address:port on the control planes, provided by haproxy and "
        "keepalived; the address is an unused address in the machines' subnet.",
    )

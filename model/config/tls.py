"""TLS of the cluster's components."""

from typing import Annotated

from pydantic import Field

from model.config.field import one_of
from model.config.strict import Strict
from model.security import TLS12, TLS_VERSIONS

TlsVersion = Annotated[str, one_of("version of TLS", TLS_VERSIONS, TLS12)]


class Tls(Strict):
    """What API servers, controller managers, schedulers, kubelets and etcd accept."""

    min_version: TlsVersion = Field(
        TLS12,
        description="The oldest version that they accept. Of TLS 1.2, only cipher suites with "
        "forward secrecy and authenticated encryption are accepted.",
    )

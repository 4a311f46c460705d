"""How long a cluster's certificates are valid."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Lifetimes:
    """The lifetimes of a cluster's certificates, by what they are for.

    `leaves` are those of the control plane's components and the kubelets' client certificates,
    which the control planes issue. `kubelet_serving` are the kubelets' server certificates, and
    `admin` is the administrator's client certificate: the program issues both. `authorities` are
    those of CAs when they are created; one that has less than `warn_before` left is reported.
    """

    leaves: timedelta
    kubelet_serving: timedelta
    authorities: timedelta
    admin: timedelta
    warn_before: timedelta

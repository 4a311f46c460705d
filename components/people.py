"""The people of a fleet: a small CA for each, whose key is in the stack's state alone.

`fleet kubeconfig --user` issues certificates with it. A person who is removed from the config takes
their CA along; one who is added again gets another.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import pulumi

from components.providers.certificate_authority import (
    CertificateAuthority,
    CertificateAuthorityArgs,
)
from model.people import Person, authority_name

AUTHORITY_SECONDS = timedelta(days=3650).total_seconds()


def authorities_of(
    people: Iterable[Person], opts: pulumi.ResourceOptions
) -> dict[str, CertificateAuthority]:
    """Create the CA of each person; return them by name."""
    return {person.name: _authority(authority_name(person.name), opts) for person in people}


def _authority(name: str, opts: pulumi.ResourceOptions) -> CertificateAuthority:
    arguments = CertificateAuthorityArgs(common_name=name, valid_seconds=AUTHORITY_SECONDS)
    return CertificateAuthority(name, arguments, opts)


def certificates_of(
    names: Iterable[str], authorities: Mapping[str, CertificateAuthority]
) -> pulumi.Output[list[str]]:
    """Return the CA certificates of these people, in this order."""
    return pulumi.Output.all(*[authorities[name].certificate for name in names])

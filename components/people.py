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
from model.fleet import Fleet
from model.people import Person, PersonEntry, authority_name

AUTHORITY_SECONDS = timedelta(days=3650).total_seconds()


def authorities_of(
    people: Iterable[Person], opts: pulumi.ResourceOptions
) -> dict[str, CertificateAuthority]:
    """Create the CA of each person; return them by name."""
    return {person.name: _authority(authority_name(person.name), opts) for person in people}


def people_output(fleet: Fleet) -> dict[str, PersonEntry]:
    """Return everybody's clusters and the lifetime of their certificates, by name."""
    return {
        person.name: {
            "clusters": [
                cluster.name for cluster in fleet.clusters if person.name in cluster.access
            ],
            "lifetimeSeconds": person.lifetime_seconds,
        }
        for person in fleet.people
    }


def _authority(name: str, opts: pulumi.ResourceOptions) -> CertificateAuthority:
    arguments = CertificateAuthorityArgs(common_name=name, valid_seconds=AUTHORITY_SECONDS)
    return CertificateAuthority(name, arguments, opts)


def certificates_of(
    names: Iterable[str], authorities: Mapping[str, CertificateAuthority]
) -> pulumi.Output[list[str]]:
    """Return the CA certificates of these people, in this order."""
    return pulumi.Output.all(*[authorities[name].certificate for name in names])

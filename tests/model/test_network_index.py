"""Finding overlaps and free networks."""

import random
from ipaddress import IPv4Network

import pytest

from model.rules.free_networks import FreeNetworks
from model.rules.network_index import NetworkIndex, TitledNetwork


def index(*networks: str) -> NetworkIndex:
    """Return an index of networks with their own texts as titles."""
    found = NetworkIndex()
    for text in networks:
        found.add(TitledNetwork(IPv4Network(text), text))
    return found


def titled(found: TitledNetwork | None) -> str | None:
    """Return the title of a network that was found."""
    return found.title if found else None


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("10.244.0.0/16", "10.244.0.0/16"),
        ("10.244.9.0/24", "10.244.0.0/16"),
        ("10.0.0.0/8", "10.244.0.0/16"),
        ("0.0.0.0/0", "10.244.0.0/16"),
        ("10.245.0.0/16", None),
        ("192.168.1.7/32", "192.168.1.7/32"),
        ("192.168.1.0/24", "192.168.1.7/32"),
        ("192.168.1.8/32", None),
    ],
)
def test_an_overlapping_network_is_found(network: str, expected: str | None) -> None:
    assert titled(index("10.244.0.0/16", "192.168.1.7/32").find(IPv4Network(network))) == expected


def test_the_index_finds_what_comparing_all_finds() -> None:
    chance = random.Random(61258531)

    def network() -> IPv4Network:
        prefix = chance.randrange(1, 33)
        return IPv4Network((chance.getrandbits(12) << 20, prefix), strict=False)

    for _ in range(200):
        networks = [network() for _ in range(chance.randrange(6))]
        wanted, found = network(), index(*map(str, networks)).find
        assert (found(wanted) is not None) == any(map(wanted.overlaps, networks))


def free(used: NetworkIndex, former: str, *prefixes: int) -> str:
    """Return what is proposed instead of a network."""
    return str(FreeNetworks(used).take(IPv4Network(former), range(prefixes[0], prefixes[-1] + 1)))


def test_the_next_free_network_of_the_same_size_is_proposed() -> None:
    assert free(index("10.244.0.0/16", "10.245.1.0/24"), "10.244.0.0/16", 16) == "10.246.0.0/16"
    assert free(index("10.96.0.0/12"), "10.96.0.0/12", 16) == "10.112.0.0/16"


def test_behind_the_last_one_the_search_goes_on_in_other_pools_and_then_from_the_start() -> None:
    assert free(index("10.255.0.0/16"), "10.255.0.0/16", 16) == "172.16.0.0/16"
    used = index("10.255.0.0/16", "172.16.0.0/12", "10.0.0.0/16")
    assert free(used, "10.255.0.0/16", 16) == "10.1.0.0/16"


def test_the_network_of_docker_is_never_proposed() -> None:
    assert free(index("10.0.0.0/8", "172.16.0.0/16"), "10.0.0.0/8", 16) == "172.18.0.0/16"


def test_a_smaller_one_is_proposed_where_nothing_else_is_left_and_none_where_nothing_is() -> None:
    used = index("10.0.0.0/8", *(f"172.{second}.0.0/17" for second in range(16, 32)))
    assert free(used, "10.0.0.0/8", 16, 17) == "172.16.128.0/17"
    assert free(index("10.0.0.0/8", "172.16.0.0/12"), "10.0.0.0/8", 16, 24) == "None"


def test_no_network_is_proposed_twice() -> None:
    networks = FreeNetworks(index("10.244.0.0/16"))
    taken = [networks.take(IPv4Network("10.244.0.0/16"), range(16, 17)) for _ in range(3)]
    assert list(map(str, taken)) == ["10.245.0.0/16", "10.246.0.0/16", "10.247.0.0/16"]

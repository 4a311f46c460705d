"""Hosts that cannot be told apart, and those that can."""

import pytest

from ops.hosts.clones import HostIdentity, mac_problems, parse, warnings


def host(name: str, **given: str) -> HostIdentity:
    own = {
        "product_uuid": f"uuid-{name}",
        "machine_id": f"id-{name}",
        "hostname": name,
        "mac": f"mac-{name}",
        "address": "10.0.0.5/24",
        "mtu": "1500",
    }
    return parse(f"{key} {value}" for key, value in (own | given).items())


A, B = host("a"), host("b")


def test_different_hosts_are_no_clones() -> None:
    assert list(mac_problems({"a": A, "b": B}, ["a", "b"])) == []
    assert list(warnings({"a": A, "b": B}, ["a", "b"])) == []


def test_what_a_host_does_not_have_is_not_shared() -> None:
    """Such as the product UUID of a container, or the MAC address of a tunnel."""
    unknown = parse([])
    assert list(mac_problems({"a": unknown, "b": unknown}, ["a"])) == []
    assert list(warnings({"a": unknown, "b": unknown}, ["a"])) == []


def test_a_mac_address_is_unique_in_its_network() -> None:
    twin = host("b", mac="mac-a")
    (problem,) = mac_problems({"a": A, "b": twin}, ["b"])
    assert problem.startswith("a, b have the MAC address mac-a in 10.0.0.0/24: each receives")
    assert list(mac_problems({"a": A, "b": twin}, [])) == [], "no new one"
    elsewhere = host("b", mac="mac-a", address="10.0.1.5/24")
    assert list(mac_problems({"a": A, "b": elsewhere}, ["b"])) == []


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        ({"product_uuid": "uuid-a"}, "a, b have the same product UUID uuid-a: programs that"),
        ({"hostname": "a"}, "a, b have the same host name a: "),
        (
            {"product_uuid": "uuid-a", "machine_id": "id-a", "hostname": "a"},
            "a, b have the same product UUID uuid-a, machine ID id-a, host name a: programs that",
        ),
    ],
)
def test_clones_are_named_once(shared: dict[str, str], said: str) -> None:
    hosts = {"a": A, "b": host("b", **shared), "c": host("c")}
    (warning,) = warnings(hosts, ["b"])
    assert warning.startswith(said)
    assert list(warnings(hosts, ["c"])) == [], "they were there before"


def test_different_mtus_are_named() -> None:
    hosts = {"a": A, "b": B, "c": host("c", mtu="9000")}
    (warning,) = warnings(hosts, ["c"])
    assert "have different MTUs: 1500 on a, b; 9000 on c. The pods of a Node" in warning
    assert list(warnings({"a": A, "b": B}, ["a"])) == []

"""`fleet rotate status`, and what `fleet status` says of rotations."""

from model.rotation_phases import FINISH, PREPARE, SWITCH, Rotations
from scripts.fleet import rotation_status
from tests.scripts.fleet.deployments import deployed


def test_the_status_is_that_of_the_state_and_says_what_is_next() -> None:
    resources = {
        "one-ca": ("CertificateAuthority", {"phase": SWITCH}),
        "one-etcd-ca": ("CertificateAuthority", {"phase": ""}),
        "one-front-proxy-ca": ("CertificateAuthority", {"phase": FINISH}),
        "one-rollout": ("Rollout", {"rotations": {"ca": PREPARE, "front-proxy-ca": FINISH}}),
        "two-service-account": ("ServiceAccountKey", {"phase": PREPARE}),
        "two-rollout": ("Rollout", {"rotations": {"service-account": PREPARE}}),
        "person-alice": ("CertificateAuthority", {"phase": ""}),
    }
    state = deployed(resources)
    following = "fleet rotate service-account --cluster two -s dev"
    assert rotation_status.status(state, "dev") == [
        # Its machines did not reach the phase.
        ("one", "ca", SWITCH, PREPARE, "fleet up dev"),
        ("one", "front-proxy-ca", FINISH, FINISH, "-"),
        ("two", "service-account", PREPARE, PREPARE, following),
    ]
    running = rotation_status.status(state, "dev", is_running=True)
    assert [row[-1] for row in running] == [rotation_status.RUNNING, "-", rotation_status.RUNNING]


def test_rotations_under_way_are_listed_for_the_clusters_that_are_shown() -> None:
    phases = {
        "one": Rotations(ca=SWITCH, etcd_ca=FINISH),
        "two": Rotations(service_account=PREPARE),
        "three": Rotations(),
    }
    assert list(rotation_status.under_way(phases, "prod", {"one", "three"})) == [
        "one: ca is in the phase switch; next: fleet rotate ca --cluster one -s prod"
    ]

"""The tables of faults, without a cluster."""

import re
import subprocess

import pytest

from tests.e2e.seeded.chapters import CHAPTERS
from tests.e2e.seeded.fault import Fault

EVERY = [fault for faults in CHAPTERS.values() for fault in faults]


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in EVERY]
    assert len(names) == len(set(names)) >= 50


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.name)
def test_a_fault_can_be_read(fault: Fault) -> None:
    assert fault.said, "nothing would have to be said"
    for expression in fault.said:
        assert re.compile(expression).search("") is None, "anything would do"
    for shell in (fault.plant, fault.restore):
        subprocess.run(["bash", "-n", "-c", shell], check=True)

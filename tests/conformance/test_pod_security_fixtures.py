"""The log of the fixtures is read as it is meant: nothing that failed counts as passed."""

import pytest

from tests.conformance.pod_security_fixtures import read
from tests.conformance.report import Results

# As Go's package testing writes it, for two tests of the library.
LOG = """\
=== RUN   TestPodSecurity
=== RUN   TestPodSecurity/podsecurity-baseline-1-0_pass_base
=== RUN   TestPodSecurity/podsecurity-baseline-1-0_fail_hostPorts
{messages}=== NAME  TestPodSecurity
    pod_security_test.go:54: asked for 3 pods and 3 controllers
--- {outcome}: TestPodSecurity (1.20s)
    --- PASS: TestPodSecurity/podsecurity-baseline-1-0_pass_base (0.10s)
    --- {outcome}: TestPodSecurity/podsecurity-baseline-1-0_fail_hostPorts (0.20s)
{outcome}
"""
MESSAGE = '    run.go:337: 1: expected error creating {"metadata":{}}, got none\n'
BASE = "podsecurity-baseline-1-0_pass_base"
PORTS = "podsecurity-baseline-1-0_fail_hostPorts"


def test_all_fixtures_are_as_the_library_says() -> None:
    found = read(LOG.format(messages="", outcome="PASS"), 0)
    assert found.results == Results((BASE, PORTS), (), ())
    assert str(found) == (
        "2 ran: 2 passed, 0 failed; 0 skipped themselves; "
        "3 fixtures as pods and as controllers: 6 of 6 as the library says"
    )


def test_fixtures_that_differ_are_counted() -> None:
    found = read(LOG.format(messages=2 * MESSAGE, outcome="FAIL"), 1)
    assert found.results == Results((BASE,), (PORTS,), ())
    assert found.different == 2


def test_a_failure_of_the_whole_is_a_failure() -> None:
    """A namespace that could not be created has no test of its own."""
    assert read(LOG.format(messages="", outcome="PASS"), 1).results.failed == ("TestPodSecurity",)


def test_a_run_that_was_cut_is_refused() -> None:
    with pytest.raises(AssertionError, match="status 2, and the log does not say"):
        read("panic: test timed out after 10m0s\n", 2)

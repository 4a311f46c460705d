"""The tool chain's launcher of dynamic providers, started by the real engine."""

import pytest

from scripts.bench import calls


@pytest.mark.slow
def test_twenty_providers_that_wait_wait_side_by_side() -> None:
    assert calls.measure(20, 30).seconds < 45

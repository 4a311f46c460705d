"""Cases of rejected configs, and how to check them."""

from typing import Any

import pytest

from model.config.errors import ConfigError, ConfigProblem
from model.load import load
from tests.model.examples import changed

# What is changed (see `examples.changed`); where the problem is; what it says.
Case = tuple[list[tuple[str, Any]], str, str]


def problems(config: object) -> tuple[ConfigProblem, ...]:
    """Return what is wrong with a config; there must be something."""
    with pytest.raises(ConfigError) as raised:
        load(config)
    return raised.value.problems


def check_refused(config: dict[str, Any], case: Case) -> None:
    """Check that the changed config is refused with one problem, the expected one."""
    changes, path, says = case
    (problem,) = problems(changed(config, *changes))
    assert problem.path == f"kubeadm-fleet:fleet.{path}"
    assert says in problem.problem
    assert problem.allowed
    assert problem.example

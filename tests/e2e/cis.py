"""`fleet cis` about a stack, as an operator types it."""

import json

from model.cis.item import State
from model.cis.report import Report
from tests.e2e.asking import command_of
from tests.e2e.pulumi_stack import PulumiStack


def cis(stack: PulumiStack, *arguments: str) -> tuple[int, Report]:
    """Run `fleet cis` and return its exit status and its document."""
    done = command_of(stack, "cis", "--output", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, Report.model_validate(json.loads(done.stdout))


def failed(report: Report) -> set[tuple[str, str]]:
    """What fails: items and machines."""
    return {(each.item, each.node) for each in report.results if each.state is State.FAIL}

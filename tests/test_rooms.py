"""Contracts between rooms (.importlinter) are kept, and a forbidden import breaks each."""

from functools import cache
from pathlib import Path

import grimp
import pytest
from importlinter.application import use_cases
from importlinter.application.user_options import UserOptions
from importlinter.configuration import configure
from importlinter.domain.contract import Contract, registry

TOP = Path(__file__).parents[1]
# Of each contract, by its id: who would import what.
PLANTED = {
    "rooms": ("ops.kube.client", "components.fleet"),
    "model-is-pure": ("model.fleet", "pulumi"),
    "ops-without-pulumi": ("ops.rollout.progress", "pulumi"),
    "ops-without-kubernetes": ("ops.kube.apply", "kubernetes"),
    "components-without-clients": ("components.providers.manifests", "kubernetes"),
    "scripts-without-pulumi": ("scripts.fleet.engine_run", "pulumi"),
    "scripts": ("scripts.build.shell", "scripts.fleet.engine_run"),
    "components": ("components.network", "components.baseline"),
    "providers": ("components.providers.wave", "components.providers.rollout"),
    "ops": ("ops.kube.nodes", "ops.rollout.desired"),
    "ops-rollout": ("ops.rollout.diff", "ops.rollout.preview"),
    "ops-hosts": ("ops.hosts.ssh", "ops.hosts.enrollment"),
    "ops-kube": ("ops.kube.client", "ops.kube.nodes"),
    "ops-nspawn": ("ops.nspawn.spec", "ops.nspawn.lifecycle"),
    "model": ("model.fleet", "model.config.schema"),
    "model-cis": ("model.cis.flags", "model.cis.benchmark"),
    "model-config": ("model.config.field", "model.config.schema"),
    "model-object-drift": ("model.object_drift.paths", "model.object_drift.judgement"),
    "model-render": ("model.render.objects", "model.render.manifests"),
    "model-rules": ("model.rules.nodes", "model.rules.subnets"),
    "model-watch": ("model.watch.event", "model.watch.state"),
    "ops-watch": ("ops.watch.exchange", "ops.watch.follower"),
}


@cache
def options() -> UserOptions:
    configure()
    read: UserOptions = use_cases.read_user_options(str(TOP / ".importlinter"))
    use_cases._register_contract_types(read)
    return read


@cache
def imports() -> grimp.ImportGraph:
    packages = options().session_options["root_packages"]
    return grimp.build_graph(*packages, include_external_packages=True, cache_dir=None)


def contracts() -> dict[str, Contract]:
    return {
        each["id"]: registry.get_contract_class(each["type"])(
            each["name"], options().session_options, each
        )
        for each in options().contracts_options
    }


def is_kept(contract: Contract, graph: grimp.ImportGraph) -> bool:
    return bool(contract.check(graph, verbose=False).kept)


def test_every_contract_has_a_planted_import() -> None:
    assert contracts().keys() == PLANTED.keys()


@pytest.mark.parametrize("name", PLANTED)
def test_contract_is_kept_and_broken_by_a_forbidden_import(name: str) -> None:
    contract = contracts()[name]
    graph = imports()
    assert is_kept(contract, graph)
    importer, imported = PLANTED[name]
    assert importer in graph.modules, "the importer is a module of today"
    planted = imported not in graph.modules or not graph.direct_import_exists(
        importer=importer, imported=imported
    )
    graph.add_import(importer=importer, imported=imported)
    try:
        assert not is_kept(contract, graph)
    finally:
        if planted:
            graph.remove_import(importer=importer, imported=imported)

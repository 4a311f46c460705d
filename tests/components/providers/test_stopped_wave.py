"""Later waves when a canary fails, with the real engine.

An existing cluster stays as it is. A new one is made, and not even later: the canary here fails
only once the new cluster is complete.
"""

import json
from pathlib import Path

import pytest

from tests.components.providers.source import FAIL_AFTER
from tests.ops.kube.api_server import Api
from tests.small_stack import Stack

pytestmark = pytest.mark.slow

PROGRAM = """
import pulumi

from components.holds import holds_on
from components.providers.manifests import Manifests, ManifestsArgs
from components.providers.wave import Wave, WaveArgs
from tests.components.providers.founding import founding
from tests.components.providers.held import Held, HeldArgs
from tests.components.providers.marker import Marker, MarkerArgs
from tests.components.providers.source import Source, SourceArgs

config = pulumi.Config()
identity = config.require_object("identity")
canary = Source("canary", SourceArgs(config.require("canary")))
wave = Wave(
    "wave-0",
    WaveArgs(
        clusters=["canary"],
        rolled=[canary.given],
        identities=[pulumi.Output.from_input(identity)],
        unavailable=[pulumi.Output.from_input(list[str]())],
        soak_seconds=0,
    ),
)
parent = pulumi.ComponentResource("test:index:Cluster", "cluster")
for name in config.require("clusters").split():
    init = founding(f"{name}-init", parent)
    holds = holds_on(init, [wave.hold])
    name_of = config.require("version").replace(".", "-")
    objects = Manifests(
        f"{name}-objects",
        ManifestsArgs(
            identity=identity,
            documents=f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name_of}}}}}",
            init=init.id,
            held_by=holds,
        ),
        pulumi.ResourceOptions(parent=parent),
    )
    rollout = Held(name, HeldArgs(version=config.require("version"), held_by=holds))
    Marker(
        f"{name}-complete",
        MarkerArgs(f"{config.require('folder')}/{name}"),
        pulumi.ResourceOptions(depends_on=[objects, rollout]),
    )
"""
FORMER, NEXT = "v1.36.3", "v1.36.4"


@pytest.fixture
def stack(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A canary and a cluster of a later wave; a failure does not stop a run."""
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    namespaces = {"name": "namespaces", "singularName": "", "namespaced": False,
                  "kind": "Namespace", "verbs": ["get", "patch", "delete"]}  # fmt: skip
    api.answers["GET /api/v1"] = (
        200,
        {"kind": "APIResourceList", "groupVersion": "v1", "resources": [namespaces]},
    )
    for name in (FORMER, NEXT):
        path = f"/api/v1/namespaces/{name.replace('.', '-')}"
        for verb in ("PATCH", "DELETE"):
            api.answers[f"{verb} {path}"] = (200, {"kind": "Namespace", "metadata": {}})
    api.answers["GET /api/v1/nodes"] = (200, {"items": []})
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(
        canary="",
        clusters="old",
        version=FORMER,
        identity=json.dumps(api.identity),
        folder=str(tmp_path),
    )
    made = stack.up()
    assert made.status == 0, made.output
    return stack


def test_an_existing_cluster_stays_as_it_is_and_a_new_one_waits_for_nobody(
    stack: Stack, tmp_path: Path
) -> None:
    canary = f"{FAIL_AFTER}{tmp_path / 'new'}"
    stack.configure(canary=canary, clusters="old new", version=NEXT)
    failed = stack.up()
    assert failed.status != 0
    assert "failed on request" in failed.output
    assert "Traceback" not in failed.output
    new = {f"new{part}": "create" for part in ("", "-init", "-objects", "-complete")}
    assert failed.steps() == {"canary": "update"} | new

    stack.configure(canary="2026-01-01T00:00:00+00:00")
    followed = stack.up()
    assert followed.status == 0, followed.output
    old = {name: "update" for name in ("old", "old-objects")}
    assert followed.steps() == {"canary": "update", "wave-0": "update"} | old
    assert stack.up().steps() == {}


def test_a_cluster_that_an_earlier_run_left_incomplete_is_completed(
    stack: Stack, tmp_path: Path, api: Api
) -> None:
    path = f"PATCH /api/v1/namespaces/{NEXT.replace('.', '-')}"
    answer, api.answers[path] = api.answers[path], (403, {"message": "not now"})
    stack.configure(clusters="old new", version=NEXT)
    assert stack.up().status != 0
    api.answers[path] = answer
    (tmp_path / "new").unlink(missing_ok=True)
    stack.configure(canary="fail")
    failed = stack.up()
    assert failed.steps()["new-objects"] == "create", failed.output
    assert (tmp_path / "new").exists()

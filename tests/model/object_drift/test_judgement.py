"""What is said of an object that is not as declared, by who set its fields."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from model.object_drift.judgement import ObjectDrift, State, judged, judged_missing
from model.object_drift.mark import LABEL, Mark, marks
from model.object_drift.text import sentence
from tests.model.object_drift.marking import marked

SOMEBODY, AT = "kubectl-edit", "2026-11-27T09:00:00Z"
CONTAINERS = ("spec", "template", "spec", "containers")
DECLARED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "tolerations": [{"operator": "Exists"}],
                "containers": [
                    {
                        "name": "web",
                        "image": "r/web:1",
                        "args": ["--a", "--b"],
                        "env": [{"name": "A", "value": "1"}],
                        "ports": [{"name": "http", "containerPort": 80}],
                        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                        "command": [],
                    }
                ],
            }
        },
    },
}
(MARK,) = marks([DECLARED])
PATH = "spec.template.spec.containers[web]"


def fields_of(content: Any, *, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of an object as the API records them: lists with keys by their entries."""
    known = {"containers": ["name"], "env": ["name"], "volumeMounts": ["mountPath"],
             "ports": ["containerPort"]}  # fmt: skip
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            found[f"f:{key}"] = fields_of(value)
        elif key in known:
            found[f"f:{key}"] = {
                "k:" + _keys(each, known[key]): {".": {}, **fields_of(each)} for each in value
            }
        else:
            found[f"f:{key}"] = {}
    return found


def _keys(entry: dict[str, Any], keys: list[str]) -> str:
    return json.dumps({key: entry[key] for key in keys})


def managed(manager: str, fields: dict[str, Any], **others: str) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "time": AT, "fieldsV1": fields}
    return {**entry, **others}


def live(
    *edits: dict[str, Any], mark: Mark | None = MARK, declared: dict[str, Any] = DECLARED
) -> dict[str, Any]:
    """The object as it was applied, with defaults of the API; `edits` are further managers."""
    found = copy.deepcopy(marked(declared, mark) if mark else declared)
    content = {key: found[key] for key in ("metadata", "spec")}
    found["metadata"]["managedFields"] = [
        managed("kubeadm-fleet", fields_of(content), operation="Apply"),
        *edits,
    ]
    container(found)["ports"][0]["protocol"] = "TCP"
    container(found)["resources"]["requests"] = {"cpu": "1", "memory": "1Gi"}
    container(found).pop("command")
    found["spec"]["strategy"] = {"type": "RollingUpdate"}
    found["status"] = {"replicas": 2}
    return found


def container(found: dict[str, Any]) -> dict[str, Any]:
    its: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    return its


def own(found: dict[str, Any]) -> dict[str, Any]:
    """The program's fields of the container."""
    spec = found["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    its: dict[str, Any] = spec["f:containers"]['k:{"name": "web"}']
    return its


def in_container(**fields: Any) -> dict[str, Any]:
    inside = {'k:{"name": "web"}': {f"f:{key}": value for key, value in fields.items()}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": inside}}}}


def states(found: list[ObjectDrift]) -> list[State]:
    return [each.state for each in found]


def test_defaults_of_the_api_are_no_difference() -> None:
    assert judged(DECLARED, MARK, live()) == []


def test_an_edited_image_has_its_manager_and_its_time() -> None:
    found = live(managed(SOMEBODY, in_container(image={})))
    container(found)["image"] = "r/web:2"
    del own(found)["f:image"]
    (drift,) = judged(DECLARED, MARK, found)
    assert drift.state is State.EDITED
    assert sentence(drift) == f"{PATH}.image is r/web:2, not r/web:1 (by {SOMEBODY})"
    assert drift.since == datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_a_quantity_with_another_value_is_an_edit() -> None:
    found = live(managed(SOMEBODY, in_container(resources={"f:requests": {"f:cpu": {}}})))
    container(found)["resources"]["requests"]["cpu"] = "1001m"
    del own(found)["f:resources"]["f:requests"]["f:cpu"]
    (drift,) = judged(DECLARED, MARK, found)
    assert sentence(drift) == (f"{PATH}.resources.requests.cpu is 1001m, not 1000m (by {SOMEBODY})")


def test_an_edited_list_of_texts_is_one_field() -> None:
    found = live(managed(SOMEBODY, in_container(args={})))
    container(found)["args"] = ["--a"]
    del own(found)["f:args"]
    (drift,) = judged(DECLARED, MARK, found)
    assert sentence(drift).startswith(f"{PATH}.args is --a, not --a,--b")


@pytest.mark.parametrize("mark", [MARK, None])
def test_an_added_container_and_variable_are_named_and_left(mark: Mark | None) -> None:
    containers = {'k:{"name":"side"}': {".": {}}, **in_container(env={'k:{"name":"B"}': {".": {}}})[
        "f:spec"]["f:template"]["f:spec"]["f:containers"]}  # fmt: skip
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}
    found = live(managed("injector", fields), mark=mark)
    found["spec"]["template"]["spec"]["containers"].insert(0, {"name": "side", "image": "x"})
    found["spec"]["template"]["spec"]["containers"][1]["env"].insert(0, {"name": "B"})
    (drift,) = judged(DECLARED, MARK, found)
    assert drift.state is State.ADDED
    assert sentence(drift) == (
        f"spec.template.spec.containers[side] was added; {PATH}.env[B] was added (by injector)"
    )


def test_a_second_mount_of_a_volume_does_not_hide_the_first() -> None:
    fields = in_container(volumeMounts={'k:{"mountPath":"/w"}': {".": {}}})
    found = live(managed(SOMEBODY, fields))
    container(found)["volumeMounts"].insert(0, {"name": "v", "mountPath": "/w"})
    (drift,) = judged(DECLARED, MARK, found)
    assert sentence(drift) == f"{PATH}.volumeMounts[/w] was added (by {SOMEBODY})"


def test_what_an_admission_webhook_adds_while_it_is_applied_is_no_edit() -> None:
    found = live()
    found["metadata"].setdefault("annotations", {})["sidecar.example.com/inject"] = "true"
    found["spec"]["template"].setdefault("metadata", {})["annotations"] = {"a.b/c": "d"}
    found["spec"]["template"]["spec"]["containers"].append({"name": "side"})
    spec = found["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    spec["f:containers"]['k:{"name":"side"}'] = {".": {}}
    assert judged(DECLARED, MARK, found) == []


def test_what_an_admission_webhook_changes_is_named_as_such() -> None:
    found = live()
    container(found)["image"] = "mirror/web:1"
    assert states(judged(DECLARED, MARK, found)) == [State.ADMITTED]


def test_a_text_that_was_removed_is_missing_even_if_it_says_false_or_0() -> None:
    declared = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": {"on": "false"}},
        "data": {"force": "false", "seconds": "0", "rest": "x"},
        "immutable": False,
    }
    (mark,) = marks([declared])
    found = copy.deepcopy(marked(declared, mark))
    found["data"] = {"rest": "x"}
    del found["metadata"]["labels"]["on"], found["immutable"]
    (drift,) = judged(declared, mark, found)
    assert sentence(drift) == (
        "data.force was removed; data.seconds was removed; metadata.labels.on was removed"
    )


def test_labels_and_annotations_of_others_are_theirs() -> None:
    found = live(managed(SOMEBODY, {"f:metadata": {"f:labels": {"f:x.y/z": {}}}}))
    found["metadata"]["labels"]["x.y/z"] = "1"
    found["metadata"]["annotations"] = {"note": "mine"}
    assert judged(DECLARED, MARK, found) == []
    del found["metadata"]["labels"]["app"]
    del found["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"]["f:app"]
    (drift,) = judged(DECLARED, MARK, found)
    assert sentence(drift) == f"metadata.labels.app was removed (by {SOMEBODY})"


@pytest.mark.parametrize("subresource", ["scale", ""])
def test_replicas_belong_to_whoever_scales(subresource: str) -> None:
    manager = "kube-controller-manager" if subresource else SOMEBODY
    its = {"subresource": subresource} if subresource else {}
    found = live(managed(manager, {"f:spec": {"f:replicas": {}}}, **its))
    found["spec"]["replicas"] = 5
    del found["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:replicas"]
    assert states(judged(DECLARED, MARK, found)) == ([] if subresource else [State.EDITED])


def test_a_declaration_that_is_newer_is_not_applied_yet() -> None:
    newer = copy.deepcopy(DECLARED)
    container(newer)["image"] = "r/web:2"
    container(newer)["env"].append({"name": "NEW", "value": "1"})
    (mark,) = marks([newer])
    assert states(judged(newer, mark, live())) == [State.NOT_APPLIED]
    edited = live(managed(SOMEBODY, in_container(args={})))
    container(edited)["args"] = ["--c"]
    del own(edited)["f:args"]
    assert states(judged(newer, mark, edited)) == [State.EDITED, State.NOT_APPLIED]


def test_an_object_that_somebody_created_again_is_theirs() -> None:
    found = live(mark=None)
    container(found)["image"] = "r/web:9"
    del container(found)["env"]
    fields = fields_of({"spec": found["spec"]})
    found["metadata"]["managedFields"] = [managed("kubectl-create", fields)]
    (drift,) = judged(DECLARED, MARK, found)
    assert drift.state is State.EDITED
    assert sentence(drift).endswith("(by kubectl-create)")
    assert f"{PATH}.env[A].value was removed" in sentence(drift)
    # As it is declared, it is as good as this program's.
    found["spec"] = live()["spec"]
    assert judged(DECLARED, MARK, found) == []


def test_what_a_run_has_recorded_as_applied_needs_no_mark() -> None:
    found = live(managed(SOMEBODY, {"f:metadata": {}}), mark=None)
    del container(found)["env"]
    assert states(judged(DECLARED, None, found)) == [State.EDITED]
    assert states(judged(DECLARED, MARK, found)) == [State.NOT_APPLIED]


def test_a_rule_of_a_role_that_somebody_added_is_repaired() -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    (mark,) = marks([role])
    found = copy.deepcopy(marked(role, mark))
    found["metadata"]["managedFields"] = [
        managed("kubeadm-fleet", {"f:rules": {}}, operation="Apply")
    ]
    assert judged(role, mark, found) == []
    found["rules"].append({"nonResourceURLs": ["*"], "verbs": ["*"]})
    found["metadata"]["managedFields"] = [managed(SOMEBODY, {"f:rules": {}})]
    (drift,) = judged(role, mark, found)
    assert (drift.state, sentence(drift)) == (
        State.EDITED,
        f"rules[1] was added (by {SOMEBODY})",
    )


def test_why_an_object_is_missing_is_what_its_siblings_say() -> None:
    one, other = marks([DECLARED, {**DECLARED, "kind": "StatefulSet"}])
    sibling = marked(DECLARED, one)
    assert judged_missing(other, [sibling]).state is State.DELETED
    assert judged_missing(other, [live()]).state is State.NOT_APPLIED
    assert judged_missing(other, []).state is State.MISSING
    unlabelled = {**DECLARED, "metadata": {"name": "web"}}
    assert judged_missing(other, [unlabelled]).state is State.MISSING


@pytest.mark.parametrize("text", ["", ".", "x", "x.y.z", "é"])
def test_a_label_that_somebody_wrote_is_no_mark_of_this(text: str) -> None:
    found = live()
    found["metadata"]["labels"][LABEL] = text
    container(found)["env"].pop()
    own(found).pop("f:env")
    assert states(judged(DECLARED, MARK, found)) == [State.NOT_APPLIED]


def test_of_several_nobody_is_named_for_what_was_removed() -> None:
    found = live(managed(SOMEBODY, {"f:x": {}}), managed("kubectl-label", {"f:y": {}}))
    container(found)["env"].pop()
    own(found).pop("f:env")
    (drift,) = judged(DECLARED, MARK, found)
    assert (sentence(drift), drift.since) == (f"{PATH}.env[A] was removed", None)


def test_an_object_without_managers_is_judged_as_well() -> None:
    found = live()
    found["metadata"].pop("managedFields")
    container(found)["image"] = "r/web:2"
    (drift,) = judged(DECLARED, MARK, found)
    assert (drift.state, drift.since) == (State.EDITED, None)
    assert sentence(drift) == f"{PATH}.image is r/web:2, not r/web:1"

"""What an object's mark and its managers say of an edit, without the document."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from model.object_drift.judgement import State, judged
from model.object_drift.loss import Loss, completed, lost
from model.object_drift.mark import LABEL, Mark, mark_of, marks
from model.object_drift.text import loss, sentence
from model.well_known import KEEP_ANNOTATION
from tests.model.object_drift.marking import marked

AT, LATER, BEFORE = (f"2026-11-27T{hour}:00:00Z" for hour in ("09", "10", "08"))
LATER_TIME = datetime(2026, 11, 27, 10, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"a.example/b": "web"}},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}},
}
CONTAINER = 'k:{"name":"c"}'
FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:a.example/b": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {"f:containers": {CONTAINER: {".": {}, "f:name": {}, "f:image": {}}}}
        },
    },
}
STATUS: dict[str, Any] = {"f:status": {"f:readyReplicas": {}}}


def entry(manager: str, fields: dict[str, Any], **others: str) -> dict[str, Any]:
    found = {"manager": manager, "operation": "Update", "time": LATER, "fieldsV1": fields}
    return {**found, **others}


def applied(*edits: dict[str, Any]) -> dict[str, Any]:
    """The object as it was applied, with further managers."""
    (mark,) = marks([DOCUMENT])
    own = entry("kubeadm-fleet", copy.deepcopy(FIELDS), operation="Apply", time=AT)
    found = copy.deepcopy(DOCUMENT)
    found["metadata"]["managedFields"] = [own]
    found = marked(found, completed(mark, found))
    label: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{LABEL}": {}}}}
    controller = entry("kube-controller-manager", STATUS, subresource="status")
    found["metadata"]["managedFields"] += [entry("kubeadm-fleet", label), controller, *edits]
    return found


def own(found: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = found["metadata"]["managedFields"][0]["fieldsV1"]
    return fields


def containers(found: dict[str, Any]) -> dict[str, Any]:
    its: dict[str, Any] = own(found)["f:spec"]["f:template"]["f:spec"]["f:containers"]
    return its


def image(*more: str) -> dict[str, Any]:
    inside: dict[str, Any] = {CONTAINER: {f"f:{key}": {} for key in ("image", *more)}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": inside}}}}


def test_a_mark_fits_into_a_label_and_can_be_read_again() -> None:
    mark = completed(marks([DOCUMENT] * 9999)[0], applied())
    assert len(str(mark)) <= 63
    assert mark_of(marked(DOCUMENT, mark)) == mark
    assert (mark.number, len(mark.fields)) == (9999, 16)
    kept = {**DOCUMENT, "metadata": {"name": "web", "annotations": {KEEP_ANNOTATION: "true"}}}
    assert [each.number for each in marks([DOCUMENT, kept, DOCUMENT])] == [2, 0, 2]
    uncounted = completed(marks([kept])[0], applied())
    assert uncounted.fields and mark_of(marked(DOCUMENT, uncounted)) == uncounted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d.s", Mark("d", "s")),
        ("d.s.3", Mark("d", "s", 3)),
        ("d.s.3.f", Mark("d", "s", 3, "f")),
        ("d.s.0.f", Mark("d", "s", 0, "f")),
        ("d.s.99999.f", Mark("d", "s")),
        ("d.s.x.f", Mark("d", "s")),
        ("d.s.3.f.g", Mark("d", "s", 3, "f")),
        ("", Mark()),
    ],
)
def test_parts_of_a_mark_may_be_missing(text: str, expected: Mark) -> None:
    assert mark_of(marked(DOCUMENT, text)) == expected


def test_what_others_add_is_no_loss() -> None:
    added = {"f:metadata": {"f:annotations": {"f:a": {}}}, "f:spec": {"f:paused": {}}}
    assert lost(applied(entry("kubectl-edit", added))) is None


def test_who_edits_a_field_is_named_with_it_and_with_nothing_else() -> None:
    found = applied(entry("kubectl-edit", image("imagePullPolicy")))
    del containers(found)[CONTAINER]["f:image"]
    path = "spec.template.spec.containers[c].image"
    assert lost(found) == Loss((path,), ("kubectl-edit",), LATER_TIME)
    assert loss(lost(found) or Loss()) == f"{path} was edited (by kubectl-edit)"


def test_several_fields_are_those_that_were_ours() -> None:
    before = entry("installer", {"f:spec": {"f:paused": {}}}, time=BEFORE)
    labels: dict[str, Any] = {"f:metadata": {"f:labels": {"f:a.example/b": {}}}}
    found = applied(before, entry("kubectl-edit", image()), entry("kubectl-label", labels))
    del containers(found)[CONTAINER]["f:image"]
    del own(found)["f:metadata"]
    assert lost(found) == Loss(
        ("spec.template.spec.containers[c].image", "metadata.labels[a.example/b]"),
        ("kubectl-edit", "kubectl-label"),
        LATER_TIME,
    )
    assert loss(lost(found) or Loss()).endswith("were edited (by kubectl-edit, kubectl-label)")


@pytest.mark.parametrize("number", [1, 20])
def test_what_others_wrote_since_is_not_said_to_be_ours(number: int) -> None:
    keys: dict[str, Any] = {f"f:{each}": {} for each in range(number)}
    notes: dict[str, Any] = {"f:metadata": {"f:annotations": keys}}
    found = applied(entry("kubectl-annotate", notes), entry("kubectl-edit", image()))
    del containers(found)[CONTAINER]["f:image"]
    del own(found)["f:metadata"]
    told = lost(found)
    assert told and not told.is_certain
    assert loss(told).startswith(
        "fields of it were edited or removed; written since: "
        "spec.template.spec.containers[c].image; metadata.annotations.0"
        if number == 1
        else "fields of it were edited or removed; written since: spec"
    )
    assert loss(told).endswith("(by kubectl-edit, kubectl-annotate)")


def test_of_a_field_that_was_removed_nobody_is_known() -> None:
    found = applied()
    del own(found)["f:metadata"]
    assert lost(found) == Loss(is_certain=False)
    assert loss(Loss()) == "fields of it were removed"


@pytest.mark.parametrize(
    ("subresource", "expected"), [("scale", None), ("", Loss(("spec.replicas",), ("hpa",)))]
)
def test_replicas_that_were_scaled_are_no_loss(subresource: str, expected: Loss | None) -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    found = applied(entry("hpa", fields, subresource=subresource, time=""))
    del own(found)["f:spec"]["f:replicas"]
    assert lost(found) == expected
    del containers(found)[CONTAINER]["f:image"]
    found["metadata"]["managedFields"].append(entry("kubectl-edit", image()))
    told = lost(found)
    assert told
    assert ("spec.replicas" in told.fields) == (subresource == "")


def test_a_recreated_object_has_none_of_our_fields() -> None:
    found = applied()
    found["metadata"]["managedFields"] = [entry("kubectl-create", image())]
    told = lost(found)
    assert told and told.is_whole
    assert loss(told) == "none of its fields is this program's any more (by kubectl-create)"
    found["metadata"].pop("managedFields")
    assert lost(found) == Loss(is_certain=False, is_whole=True)


@pytest.mark.parametrize("text", ["", "d.s", "d.s.3", "x"])
def test_without_a_digest_of_our_fields_nothing_is_said(text: str) -> None:
    found = marked(applied(entry("kubectl-edit", image())), text)
    del containers(found)[CONTAINER]["f:image"]
    assert lost(found) is None


def test_what_was_set_back_is_still_somebody_elses() -> None:
    found = applied(entry("kubectl-edit", image()))
    assert judged(DOCUMENT, None, found) == []
    del containers(found)[CONTAINER]["f:image"]
    (drift,) = judged(DOCUMENT, None, found)
    assert (drift.state, drift.since) == (State.EDITED, LATER_TIME)
    assert sentence(drift) == (
        "spec.template.spec.containers[c].image was edited (by kubectl-edit), "
        "and is as declared again"
    )
    found["spec"]["template"]["spec"]["containers"][0]["image"] = "j"
    (drift,) = judged(DOCUMENT, None, found)
    assert drift.loss is None, "what differs says more"


def test_entries_of_lists_have_names() -> None:
    ports: dict[str, Any] = {"k:" + json.dumps({"port": 80, "protocol": "TCP"}): {".": {}}}
    fields: dict[str, Any] = {"f:spec": {"f:ports": ports, "f:finalizers": {'v:"a.b/c"': {}}}}
    found = applied(entry("kubectl-edit", fields))
    del own(found)["f:spec"]
    told = lost(found)
    assert told and told.fields == ("spec.ports[80/TCP]", "spec.finalizers[a.b/c]")
    assert not told.is_certain

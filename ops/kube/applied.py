"""Objects that were applied, as a cluster has them now."""

from dataclasses import dataclass

from model.object_drift.judgement import State, judged
from model.object_drift.text import sentence
from model.object_drift.titles import title
from model.render.objects import parsed
from ops.kube.client import PROBE_RETRIES, Client
from ops.kube.resources import Reference, Resources, reference


@dataclass(frozen=True)
class Applied:
    """The objects that exist, and a line for each of them that somebody edited."""

    present: list[Reference]
    edited: list[str]


def read(client: Client, documents: str) -> Applied:
    """Read the objects of a YAML text that was applied. Raises ApiError.

    What others added, and what the cluster's admission changes of what is applied, is no edit:
    applying it again would change nothing.
    """
    api = Resources(client.limited(retries=PROBE_RETRIES))
    present, edited = [], []
    for document in parsed(documents):
        ref = reference(document)
        live = api.find(ref)
        if live is None:
            continue
        present.append(ref)
        edited += [
            f"{title(document)}: {sentence(each)}"
            for each in judged(document, None, live)
            if each.state is State.EDITED
        ]
    return Applied(present, edited)

"""What objects are called, as in `fleet consistency`."""

from model.api_objects import Object
from model.consistency import objects


def title(document: Object) -> str:
    """Return kind, namespace if it has one, and name."""
    return objects.title(document, document["kind"])

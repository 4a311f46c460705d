"""A fake cluster API."""

from tests.ops.kube.api_server import api as api

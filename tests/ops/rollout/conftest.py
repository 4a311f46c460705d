"""A stand-in for a cluster's API."""

from tests.ops.kube.api_server import api as api

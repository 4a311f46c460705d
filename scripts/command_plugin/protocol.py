"""The messages and calls of Pulumi's plugin protocol, without the rest of Pulumi's SDK.

Importing `pulumi` loads the full SDK, which takes three times as long as everything else that this
process needs, and the engine waits for it in every preview and every update. The generated modules
import only each other, so they are loaded as a separate package.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2

__all__ = ["SERVICE", "engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2"]

SERVICE = "pulumirpc.ResourceProvider"
_PACKAGE = f"{__package__}._messages"


def _load_package() -> None:
    """Create a package from the folder of the generated modules, without its own code."""
    sdk = find_spec("pulumi")
    if sdk is None or sdk.origin is None:
        raise ImportError("the Python package pulumi is not installed: run `make preview`")
    spec = ModuleSpec(_PACKAGE, loader=None, is_package=True)
    spec.submodule_search_locations = [str(Path(sdk.origin).parent / "runtime" / "proto")]
    sys.modules[_PACKAGE] = module_from_spec(spec)


if not TYPE_CHECKING:
    _load_package()
    engine_pb2 = importlib.import_module(f"{_PACKAGE}.engine_pb2")
    engine_pb2_grpc = importlib.import_module(f"{_PACKAGE}.engine_pb2_grpc")
    plugin_pb2 = importlib.import_module(f"{_PACKAGE}.plugin_pb2")
    provider_pb2 = importlib.import_module(f"{_PACKAGE}.provider_pb2")

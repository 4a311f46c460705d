"""The inputs and states of the supported resources."""

from dataclasses import dataclass, replace

from scripts.command_plugin.schema_types import (
    ANY_LIST,
    ASSET,
    ASSET_MAP,
    BOOLEAN,
    INTEGER,
    LOGGING,
    NUMBER,
    STRING,
    STRING_LIST,
    STRING_MAP,
    Field,
    Shape,
)

REMOTE_COMMAND = "command:remote:Command"
COPY_TO_REMOTE = "command:remote:CopyToRemote"
LOCAL_COMMAND = "command:local:Command"

_ENDPOINT = (
    Field("user", STRING, default="root"),
    Field("password", STRING, secret=True),
    Field("host", STRING, required=True),
    Field("port", NUMBER, default=22.0),
    Field("privateKey", STRING, secret=True),
    Field("privateKeyPassword", STRING, secret=True),
    Field("agentSocketPath", STRING),
    Field("dialErrorLimit", INTEGER, default=10.0),
    Field("perDialTimeout", INTEGER, default=15.0),
    Field("hostKey", STRING),
)
PROXY = Shape("remote.ProxyConnection", _ENDPOINT)
CONNECTION = Shape("remote.Connection", (*_ENDPOINT, Field("proxy", PROXY)))

_TRIGGERS = Field("triggers", ANY_LIST, replaces=True)
_COMMANDS = (
    _TRIGGERS,
    Field("create", STRING),
    Field("update", STRING),
    Field("delete", STRING),
)
_PRINTED = (Field("stdout", STRING, required=True), Field("stderr", STRING, required=True))


@dataclass(frozen=True)
class Resource:
    """One type of resource.

    `derived` names the properties of its state that are not mere copies of an input: they are
    unknown in a preview until it is clear that they stay the same.
    """

    token: str
    inputs: Shape
    state: Shape
    derived: tuple[str, ...]


_REMOTE_INPUTS = (
    Field("stdin", STRING),
    Field("logging", LOGGING),
    Field("connection", CONNECTION, required=True, secret=True),
    Field("environment", STRING_MAP),
    Field("addPreviousOutputInEnv", BOOLEAN),
    *_COMMANDS,
)
REMOTE = Resource(
    token=REMOTE_COMMAND,
    inputs=Shape("remote.CommandInputs", _REMOTE_INPUTS),
    state=Shape("remote.CommandOutputs", (*_REMOTE_INPUTS, *_PRINTED)),
    derived=("stdout", "stderr"),
)

_COPY_INPUTS = (
    Field("connection", CONNECTION, required=True, secret=True),
    _TRIGGERS,
    Field("source", ASSET, required=True),
    Field("remotePath", STRING, required=True),
)
COPY = Resource(
    token=COPY_TO_REMOTE,
    inputs=Shape("remote.CopyToRemoteInputs", _COPY_INPUTS),
    state=Shape("remote.CopyToRemoteOutputs", _COPY_INPUTS),
    derived=("source",),
)

_LOCAL_INPUTS = (
    *_COMMANDS,
    Field("stdin", STRING),
    Field("logging", replace(LOGGING, go_name="local.Logging")),
    Field("interpreter", STRING_LIST),
    Field("dir", STRING),
    Field("environment", STRING_MAP),
    Field("assetPaths", STRING_LIST),
    Field("archivePaths", STRING_LIST),
    Field("addPreviousOutputInEnv", BOOLEAN),
)
LOCAL = Resource(
    token=LOCAL_COMMAND,
    inputs=Shape("local.CommandInputs", _LOCAL_INPUTS),
    state=Shape(
        "local.CommandOutputs",
        (*_LOCAL_INPUTS, *_PRINTED, Field("assets", ASSET_MAP), Field("archive", ASSET)),
    ),
    derived=("stdout", "stderr", "assets", "archive"),
)

RESOURCES = {resource.token: resource for resource in (REMOTE, COPY, LOCAL)}

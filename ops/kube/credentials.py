"""What a kubeconfig says of a user: certificates, a token, or a program that returns either.

Supported: client certificates and tokens, in the kubeconfig or in files, and exec plugins that
need no terminal. Not supported: auth-provider (kubectl has none since v1.26), user names with
passwords (API servers take none since v1.19) and impersonation.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.errors import OperatorError, text_of

# How long a plugin may take: it may ask an issuer over the network.
PLUGIN_SECONDS = 10.0
UNSUPPORTED = ("auth-provider", "username", "password", "as", "as-uid", "as-groups")


@dataclass(frozen=True, repr=False)
class Credentials:
    """PEM texts of a client certificate and its key, and a bearer token; "" for none."""

    certificate: str = ""
    key: str = ""
    token: str = ""


def of(user: Mapping[str, Any], cluster: Mapping[str, Any], folder: Path) -> Credentials:
    """Return a user's credentials; relative paths are below `folder`. Raises OperatorError."""
    if found := [key for key in UNSUPPORTED if user.get(key)]:
        raise OperatorError(
            f"the kubeconfig's user has {', '.join(found)}, which is not supported: use a client "
            "certificate, a token or an exec plugin"
        )
    if user.get("exec"):
        return _from_plugin(user["exec"], cluster, folder)
    token = str(user.get("token") or "")
    if not token and user.get("tokenFile"):
        token = read_file(folder, user["tokenFile"]).strip()
    return Credentials(
        content(user, "client-certificate", folder), content(user, "client-key", folder), token
    )


def content(entry: Mapping[str, Any], key: str, folder: Path) -> str:
    """Return what `<key>-data` holds, or the file that `key` names; "" for neither."""
    if data := entry.get(f"{key}-data"):
        return base64.b64decode(data, validate=True).decode()
    return read_file(folder, entry[key]) if entry.get(key) else ""


def read_file(folder: Path, path: str) -> str:
    """Return the content of a file that a kubeconfig names."""
    try:
        return (folder / path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OperatorError(f"a file of the kubeconfig cannot be read: {text_of(error)}") from None


def _from_plugin(
    plugin: Mapping[str, Any], cluster: Mapping[str, Any], folder: Path
) -> Credentials:
    """Run an exec plugin without a terminal, as client-go does."""
    name, version = str(plugin["command"]), str(plugin.get("apiVersion") or "")
    if plugin.get("interactiveMode") == "Always":
        raise OperatorError(
            f"the exec plugin {name} needs a terminal (interactiveMode: Always), which is not "
            "supported: many clusters are asked at the same time"
        )
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {key: cluster[key] for key in cluster if key != "extensions"}
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    given = {str(each["name"]): str(each["value"]) for each in plugin.get("env") or ()}
    # A path is relative to the kubeconfig; a mere name is looked for in PATH.
    program = str((folder / name).resolve()) if os.sep in name else name
    try:
        ended = subprocess.run(
            [program, *map(str, plugin.get("args") or ())],
            env={**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PLUGIN_SECONDS,
            check=True,
        )
        status = json.loads(ended.stdout)["status"]
        return Credentials(
            status.get("clientCertificateData") or "",
            status.get("clientKeyData") or "",
            status.get("token") or "",
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()[-1:] or [""]
        reason = f"exit status {error.returncode}: {said[0]}".rstrip(": ")
    except subprocess.TimeoutExpired:
        reason = f"no answer within {PLUGIN_SECONDS:g} s"
    except OSError as error:
        reason = text_of(error)
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "its output is no ExecCredential with a status"
    hint = f" ({plugin['installHint']})" if plugin.get("installHint") else ""
    raise OperatorError(f"the exec plugin {name} failed: {reason}{hint}")

"""What an API server accepts as the kubeconfig of a server for audit events.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend
"""

from typing import Any

import yaml

# Keys whose values are paths: the file would have to be in the API server's pod, too.
PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile", "exec")


def problem(text: str) -> str:
    """Say what is wrong with a kubeconfig, without its content; "" if nothing is."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return "not a YAML document"
    if not isinstance(document, dict):
        return "not a mapping"
    named = {key: _by_name(document.get(f"{key}s"), key) for key in ("cluster", "context", "user")}
    context = named["context"].get(document.get("current-context"))
    if not context:
        return "its current-context is not one of its contexts"
    cluster = named["cluster"].get(context.get("cluster"))
    if not cluster or not str(cluster.get("server", "")).startswith("https://"):
        return "the cluster of its current context has no server with an https URL"
    user = named["user"].get(context.get("user"))
    if user is None:
        return "the user of its current context is not one of its users"
    if used := [key for key in PATHS if key in {*cluster, *user}]:
        return f"it names files or programs ({', '.join(used)}): embed their data"
    return ""


def _by_name(entries: Any, key: str) -> dict[Any, dict[str, Any]]:
    """Return the entries of a list of a kubeconfig by name."""
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            value = entry.get(key)
            found[entry["name"]] = value if isinstance(value, dict) else {}
    return found

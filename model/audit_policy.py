"""What an API server accepts as its audit policy: with another one it would not start.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

API_VERSION, KIND = "audit.k8s.io/v1", "Policy"
LEVELS = ("None", "Metadata", "Request", "RequestResponse")
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
# The fields of a rule that are lists of texts.
LISTS = ("users", "userGroups", "verbs", "namespaces", "nonResourceURLs", "omitStages")
RULE = ("level", "resources", "omitManagedFields", *LISTS)
POLICY = ("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields")
RESOURCE = ("group", "resources", "resourceNames")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def problem(text: str) -> str:
    """Say what is wrong with a policy; "" if an API server starts with it, and uses all of it."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return "not a YAML document"
    return next(_problems(document), "")


def _problems(policy: Any) -> Iterator[str]:
    if not isinstance(policy, dict):
        yield "not a mapping"
        return
    if (policy.get("apiVersion"), policy.get("kind")) != (API_VERSION, KIND):
        yield f"not of apiVersion {API_VERSION} and kind {KIND}"
    yield from _unknown(policy, POLICY, "")
    yield from _stages(policy.get("omitStages"), "")
    yield from _flag(policy.get("omitManagedFields"), "")
    rules = policy.get("rules")
    if not isinstance(rules, list) or not rules:
        yield "it has no rules"
        return
    for number, rule in enumerate(rules, 1):
        yield from _rule_problems(rule, f"rule {number}: ")


def _rule_problems(rule: Any, where: str) -> Iterator[str]:
    if not isinstance(rule, dict):
        yield f"{where}not a mapping"
        return
    yield from _unknown(rule, RULE, where)
    if rule.get("level") not in LEVELS:
        yield f"{where}its level is none of {', '.join(LEVELS)}"
    for key in LISTS:
        if not _is_texts(rule.get(key)):
            yield f"{where}{key} is not a list of texts"
            return
    yield from _stages(rule.get("omitStages"), where)
    yield from _flag(rule.get("omitManagedFields"), where)
    paths = rule.get("nonResourceURLs") or ()
    for path in paths:
        if path != "*" and not re.fullmatch(r"/[^*]*\*?", path):
            yield f"{where}nonResourceURLs begin with a slash; * is their last character"
    if paths and (rule.get("resources") or rule.get("namespaces")):
        yield f"{where}it has nonResourceURLs beside resources or namespaces"
    yield from _resources(rule.get("resources"), where)


def _resources(resources: Any, where: str) -> Iterator[str]:
    if resources is not None and not isinstance(resources, list):
        yield f"{where}resources is not a list"
        return
    for its in resources or ():
        if not isinstance(its, dict):
            yield f"{where}one of its resources is not a mapping"
            return
        yield from _unknown(its, RESOURCE, where)
        group = its.get("group") or ""
        if not isinstance(group, str) or not (group in ("", "*") or _SUBDOMAIN.fullmatch(group)):
            yield f"{where}group is not the name of an API group, which has no version"
        if not _is_texts(its.get("resources")) or not _is_texts(its.get("resourceNames")):
            yield f"{where}resources and resourceNames are lists of texts"
        elif its.get("resourceNames") and not its.get("resources"):
            yield f"{where}resourceNames need resources"


def _stages(stages: Any, where: str) -> Iterator[str]:
    if not _is_texts(stages) or set(stages or ()) - {*STAGES}:
        yield f"{where}omitStages is not a list of {', '.join(STAGES)}"


def _flag(value: Any, where: str) -> Iterator[str]:
    if value is not None and not isinstance(value, bool):
        yield f"{where}omitManagedFields is neither true nor false"


def _unknown(found: dict[Any, Any], known: tuple[str, ...], where: str) -> Iterator[str]:
    """Yield keys that an API server would pass over with no more than a warning in its log."""
    yield from (f"{where}unknown key {key}" for key in found if key not in known)


def _is_texts(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )

"""What a pod requests, and what its limits are, as the scheduler counts it.

Init containers run one after the other, before the others; those that are restarted (sidecars)
stay. So a pod needs the greatest of: what its containers and all sidecars need together, and what
each other init container needs beside the sidecars that were started before it. What is set for the
pod as a whole replaces that; its overhead comes on top. A resize in place counts as soon as the
spec has it.
https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
"""

from collections.abc import Iterator

from model.api_objects import Object
from model.capacity.resources import CPU, MEMORY, Amounts, amounts, greatest, total

# Resources that can be set for a pod as a whole, besides huge pages.
OF_PODS = (CPU, MEMORY)
HUGE_PAGES = "hugepages-"


def requests(spec: Object) -> dict[str, int]:
    """Return what a pod with this spec requests."""
    return total([_effective(spec, "requests"), amounts(spec.get("overhead") or {})])


def limits(spec: Object) -> dict[str, int]:
    """Return the limits of a pod with this spec: what has none adds nothing.

    As in `kubectl describe node`, overhead is added to what has a limit.
    """
    found = _effective(spec, "limits")
    overhead = amounts(spec.get("overhead") or {})
    return total([found, {name: amount for name, amount in overhead.items() if name in found}])


def without_requests(spec: Object) -> tuple[str, ...]:
    """Return which of CPU and memory a container that goes on running does not request."""
    of_pod = (spec.get("resources") or {}).get("requests") or {}
    running = [*(spec.get("containers") or ()), *filter(_is_sidecar, _init_containers(spec))]
    return tuple(
        name
        for name in OF_PODS
        if name not in of_pod and any(not _of(each, "requests").get(name) for each in running)
    )


def _effective(spec: Object, kind: str) -> dict[str, int]:
    sidecars: list[Amounts] = []
    at_starts: list[Amounts] = []
    for container in _init_containers(spec):
        if _is_sidecar(container):
            sidecars.append(_of(container, kind))
            at_starts.append(total(sidecars))
        else:
            at_starts.append(total([*sidecars, _of(container, kind)]))
    containers = [_of(container, kind) for container in spec.get("containers") or ()]
    found = greatest([total([*containers, *sidecars]), *at_starts])
    of_pod = amounts((spec.get("resources") or {}).get(kind) or {})
    return found | {
        name: amount
        for name, amount in of_pod.items()
        if name in OF_PODS or name.startswith(HUGE_PAGES)
    }


def _of(container: Object, kind: str) -> dict[str, int]:
    return amounts((container.get("resources") or {}).get(kind) or {})


def _init_containers(spec: Object) -> Iterator[Object]:
    yield from spec.get("initContainers") or ()


def _is_sidecar(container: Object) -> bool:
    return container.get("restartPolicy") == "Always"

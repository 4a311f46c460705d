"""Labels and taints of a Node, compared with those that it should have; others may be added."""

from collections.abc import Collection, Iterator, Mapping


def lacking(
    labels: Mapping[str, str],
    taints: Collection[str],
    wanted_labels: Mapping[str, str],
    wanted_taints: Collection[str],
) -> Iterator[str]:
    """Yield a sentence for each label and taint that a Node should have and does not.

    Taints are texts such as `key=value:NoSchedule`.
    """
    for key, value in wanted_labels.items():
        if labels.get(key) != value:
            was = f"is {labels[key]}" if key in labels else "is missing"
            yield f"label {key}={value} {was}"
    for taint in wanted_taints:
        if taint not in taints:
            yield f"taint {taint} is missing"

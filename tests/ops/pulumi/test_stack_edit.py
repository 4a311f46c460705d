"""One value of a stack file is changed; all other text stays."""

import difflib

import pytest

from ops.pulumi import stack_yaml
from ops.pulumi.stack_edit import NotEditable, with_value, without_key

PATH = ("config", "kubeadm-fleet:fleet", "clusters", "one", "rotations", "ca")
FILE = """\
# The fleet.
config:
  kubeadm-fleet:fleet:
    protect: true  # since May
    clusters:
      one:
        labels: {env: dev}   # for selectors
        workers:
          count: 2
          # more in summer

      # The other one.
      two:
        workers: {count: 1}
"""


def added(text: str, value: str = "prepare") -> list[str]:
    """The lines that are there afterwards alone; none is lost."""
    lines = [*difflib.ndiff(text.splitlines(), with_value(text, PATH, value).splitlines())]
    assert not [line for line in lines if line.startswith("- ")]
    return [line[2:] for line in lines if line.startswith("+ ")]


def test_a_key_is_added_at_the_end_of_its_cluster() -> None:
    assert added(FILE) == ["        rotations:", "          ca: prepare"]
    edited = with_value(FILE, PATH, "prepare")
    assert edited.index("rotations") < edited.index("# more in summer")


def test_a_key_is_added_beside_another_one() -> None:
    former = with_value(FILE, (*PATH[:-1], "etcdCa"), "switch")
    assert added(former) == ["          ca: prepare"]


def test_a_value_is_replaced_with_its_comment_kept() -> None:
    former = with_value(FILE, PATH, "prepare").replace("ca: prepare", "ca: prepare  # ticket 7")
    assert "ca: switch  # ticket 7\n" in with_value(former, PATH, "switch")


@pytest.mark.parametrize(
    "cluster",
    [
        "one: {workers: {count: 2}}",
        "one: {rotations: {}}",
        "one: {}",
        "one:",
        "one:  # nothing is set",
        '"one": {rotations: {ca: "prepare", etcdCa: switch}}',
        "one:\n        note: |-\n          two\n          lines",
        "one:\n        hosts:\n        - a\n        - b  # the last",
    ],
)
def test_the_value_is_what_the_engine_reads(cluster: str) -> None:
    text = f"config:\n  kubeadm-fleet:fleet:\n    clusters:\n      {cluster}\n"
    for ending in (text, text.rstrip("\n")):
        found = stack_yaml.read(with_value(ending, PATH, "switch"))
        for key in PATH:
            found = found[key]
        assert found == "switch"


ANCHORS = """\
config:
  kubeadm-fleet:fleet:
    machines: &small {cpus: 1}  # for all
    clusters:
      two: &two
        workers: {count: 1}
        # the smallest
        machines: *small
      one:
        # of this cluster alone
        workers: &workers
          count: 2
        controlPlanes: {count: 1}
        machines: *small   # as the other one
"""


def test_anchors_and_comments_of_other_values_stay() -> None:
    for phase in ("prepare", "switch"):
        edited = with_value(ANCHORS, PATH, phase)
        assert edited == f"{ANCHORS}        rotations:\n          ca: {phase}\n"
    assert with_value(edited, PATH, "finish") == edited.replace("ca: switch", "ca: finish")


def test_what_another_cluster_has_by_an_alias_is_not_changed_with_it() -> None:
    shared = ANCHORS.replace("      one:\n", "      three: *two\n      one:\n")
    path = (*PATH[:3], "two", *PATH[4:])
    with pytest.raises(NotEditable, match=r"by hand: set config\..*two\.rotations\.ca: prepare"):
        with_value(shared, path, "prepare")
    assert with_value(shared, PATH, "prepare").startswith(shared)


def test_a_cluster_that_is_an_alias_is_left_to_a_person() -> None:
    text = (
        "config:\n  kubeadm-fleet:fleet:\n    clusters:\n"
        "      two: &same {workers: {count: 1}}\n      one: *same\n"
    )
    with pytest.raises(NotEditable, match=r"by hand: set config\..*\.rotations\.ca: switch"):
        with_value(text, PATH, "switch")


@pytest.mark.parametrize(
    "rotations",
    [
        "{ca: finish, immediate: ca}",
        "{immediate: ca, ca: finish}  # ours",
        "{immediate: ca}",
        "\n          # ours\n          ca: finish\n          immediate: ca",
        "\n          immediate: ca  # until it is complete\n          ca: finish",
    ],
)
def test_a_key_is_removed_and_all_others_stay(rotations: str) -> None:
    path = (*PATH[:-1], "immediate")
    text = FILE.replace("labels: {env: dev}", f"rotations: {rotations}")
    edited = without_key(text, path)
    document = stack_yaml.read(text)
    del document["config"]["kubeadm-fleet:fleet"]["clusters"]["one"]["rotations"]["immediate"]
    assert stack_yaml.read(edited) == document
    assert edited.count("# ours") == text.count("# ours")
    assert without_key(edited, path) == edited


def test_a_key_that_is_there_by_an_alias_is_left_to_a_person() -> None:
    text = (
        "config:\n  kubeadm-fleet:fleet:\n    clusters:\n"
        "      two: &same {rotations: {ca: finish}}\n      one: *same\n"
    )
    with pytest.raises(NotEditable, match=r"by hand: remove config\..*\.rotations\.ca"):
        without_key(text, PATH)

"""Hostile texts on their way from the config, or the caller, through the scripts of a machine.

A shell executes the real scripts with them. One that is taken for more than text leaves a canary.
"""

import random
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from model.config.errors import ConfigError
from model.fleet import Cluster
from model.load import load
from model.render import kubeadm
from model.render.machine_files import PARTS, ManagedFile, machine_files, table
from model.render.node_scripts import NODE_SCRIPTS, assignments, compose
from tests.hostile import texts
from tests.model.examples import SETTINGS, changed
from tests.node.steps.disk import Disk

CLUSTER = "clusters/cluster1"
PLAIN = load(SETTINGS).clusters[0]
# Places whose text is the user's choice.
FREE = (
    f"{CLUSTER}/kubelet/evictionHard/memory.available",
    f"{CLUSTER}/kubelet/memorySwap/swapBehavior",
    f"{CLUSTER}/kubelet/tlsCipherSuites/0",
    f"{CLUSTER}/apiServer/extraArgs/profiling",
    f"{CLUSTER}/controllerManager/extraArgs/bind-address",
    f"{CLUSTER}/scheduler/extraArgs/v",
    f"{CLUSTER}/etcd/extraArgs/quota-backend-bytes",
    f"{CLUSTER}/workers/kubelet",
)
# Whole files of the user, with any number of lines.
FILES = [
    f"{CLUSTER}/{component}/files/{number}.yaml"
    for component in ("apiServer", "controllerManager", "scheduler")
    for number in range(3)
]
SETTING_NAMES = sorted(
    name
    for path in NODE_SCRIPTS.glob("*.sh")
    for line in path.read_text().splitlines()
    if line.startswith("# settings: ")
    for name in line.removeprefix("# settings: ").split()
)


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "canary"


def accepted(path: str, text: str) -> bool:
    try:
        load(changed(SETTINGS, value_at(path, text)))
    except ConfigError:
        return False
    return True


def value_at(path: str, text: str) -> tuple[str, object]:
    return path, ({"kubeReserved": {"cpu": text}} if path.endswith("/kubelet") else text)


@pytest.fixture(scope="module")
def clusters(canary: Path) -> Sequence[tuple[Cluster, Mapping[str, str]]]:
    """Clusters with texts that the config accepts, each once: all lines, a third of the others."""
    lines = [text for text in texts(canary) if accepted(FREE[0], text)]
    others = [text for text in texts(canary) if text not in lines and accepted(FILES[0], text)]
    assert len(lines) > 400
    assert len(others) > 200
    others = others[::3]
    made = []
    while lines or others:
        given = dict([*zip(FREE, lines, strict=False), *zip(FILES, others, strict=False)])
        lines, others = lines[len(FREE) :], others[len(FILES) :]
        config = changed(SETTINGS, *(value_at(path, text) for path, text in given.items()))
        made.append((load(config).clusters[0], given))
    return made


def run(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-s"], input=script, capture_output=True, text=True, timeout=120, errors="replace"
    )


def test_every_setting_reaches_a_shell_as_it_is(canary: Path, tmp_path: Path) -> None:
    """A shell has no text with NUL; whatever may send one is rejected before."""
    given = [text for text in texts(canary) if "\x00" not in text]
    settings = {f"SETTING_{index}": text for index, text in enumerate(given)}
    written = tmp_path / "written"
    shown = "".join(f'printf "%s\\0" "${name}"\n' for name in settings)
    ran = run(f"exec >{written}\n{assignments(settings)}{shown}")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert written.read_bytes().decode().split("\0")[:-1] == given
    assert not canary.exists()


@pytest.mark.parametrize("script", sorted(path.stem for path in NODE_SCRIPTS.glob("*.sh")))
def test_reading_a_script_executes_no_setting(script: str, canary: Path) -> None:
    """Also where a setting is used while the script is read."""
    given = [text for text in texts(canary) if "\x00" not in text]
    settings = dict(zip(SETTING_NAMES, random.Random(script).sample(given, 500), strict=False))
    run(compose(script, settings))
    assert not canary.exists(), settings


def test_every_file_of_a_machine_has_exactly_the_text_of_the_config(
    canary: Path, disk: Disk, clusters: Sequence[tuple[Cluster, Mapping[str, str]]]
) -> None:
    for cluster, given in clusters:
        files = files_of(cluster)
        with_texts = disk.moved(file for file in files if file not in files_of(PLAIN))
        assert with_texts
        write(disk, with_texts)
        for file in with_texts:
            assert Path(file.path).read_text() == file.content, given
        assert not canary.exists(), given


def files_of(cluster: Cluster) -> list[ManagedFile]:
    """The files of its first control plane, and of its first worker, which has the kubelet's."""
    machines = cluster.control_planes[0], cluster.workers[0]
    return [file for machine in machines for file in machine_files(cluster, machine)]


def write(disk: Disk, files: Sequence[ManagedFile]) -> None:
    rows = disk.folder / "table"
    rows.write_text(table(files))
    facts = "host_fact() { echo fact; }; credentials_of() { echo filled; }; set -Eeuo pipefail"
    call = f'{facts}; table=$(<{rows}); write_files "$table" "{" ".join(PARTS)}"'
    ran = disk.run(call, "files")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_documents_for_kubeadm_have_the_texts_and_nothing_more(
    canary: Path, clusters: Sequence[tuple[Cluster, Mapping[str, str]]]
) -> None:
    """As a control plane composes them, with its own version."""
    for cluster, given in clusters:
        settings = {
            "CLUSTER_CONFIGURATION": kubeadm.cluster_configuration(cluster),
            "KUBELET_CONFIGURATION": kubeadm.kubelet_configuration(cluster),
            "KUBERNETES_VERSION": "v1.36.3",
            "NODE_ADDRESS": "10.89.1.11",
        }
        call = "cluster_configuration v1.36.9"
        ran = run(compose("documents", settings) + call)
        assert ran.returncode == 0, ran.stderr
        document = yaml.safe_load(ran.stdout)
        wanted = yaml.safe_load(settings["CLUSTER_CONFIGURATION"])
        assert document == {**wanted, "kubernetesVersion": "v1.36.9"}, given
        assert not canary.exists(), given

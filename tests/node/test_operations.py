"""Operations on a real cluster: each one repairs or changes only what is necessary."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from model.outbound import Mirror, Outbound
from model.render import node_scripts
from model.render.machine_files import COMMON_FILES, part_digests, table
from tests.node.cluster import VERSION, Member, uploaded
from tests.ops.hosts.steps import deliver_files, files_behind
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SCHEDULER = (
    "ctr --namespace k8s.io containers list --quiet"
    ' \'labels."io.kubernetes.pod.name"~="^kube-scheduler"\''
)
RECORD = "/var/lib/kubeadm-fleet/managed"
MANIFESTS = "/etc/kubernetes/manifests"
NOTHING = "already up to date"
STARTED = "systemctl show --property=ExecMainStartTimestampMonotonic kubelet containerd"
IMAGES = "ctr --namespace k8s.io containers list 2>/dev/null"
LEADERS = {"kube-controller-manager", "kube-scheduler"}
# The last words of a leader that no API server let renew its lease. One that is told to end has
# others, if any: its context is canceled.
# https://github.com/kubernetes/client-go/blob/v0.36.3/tools/leaderelection/leaderelection.go
LOST = re.compile(r'"Failed to renew lease" .*err="context deadline exceeded"')
RUNNING = (
    "ctr --namespace k8s.io tasks list 2>/dev/null | awk '$3 == \"RUNNING\" {print $1}' | sort"
)


def test_an_unchanged_machine_is_left_alone(control_plane: Member, worker: Member) -> None:
    for machine in (control_plane, worker):
        before = machine.shell(f"{STARTED}; {RUNNING}")
        looked = machine.node_facts()
        for name in ("apply_kubelet", "repair"):
            assert NOTHING in machine.succeed(name)
        if machine is control_plane:
            assert NOTHING in machine.succeed("apply_control_plane")
        assert machine.shell(f"{STARTED}; {RUNNING}") == before
        assert machine.node_facts() == looked


def test_node_facts_describe_a_machine(control_plane: Member, worker: Member) -> None:
    for machine in (control_plane, worker):
        found = machine.node_facts()
        assert found["machine_id"] == machine.spec.machine_id
        assert found["member"].endswith(machine.spec.machine_id)
        assert found["kubelet"] == VERSION
        assert (found["staged"], found["interrupted"], found["complete"]) == ("", "no", "yes")
        assert (found["service:kubelet"], found["service:containerd"]) == ("active", "active")
    assert control_plane.node_facts()[f"file:{MANIFESTS}/etcd.yaml"] != "missing"
    assert worker.node_facts()[f"file:{MANIFESTS}/etcd.yaml"] == "missing"


def test_only_the_component_of_a_changed_argument_is_restarted(control_plane: Member) -> None:
    wanted = control_plane.cluster_configuration(scheduler={"v": "1"})
    control_plane.documents["CLUSTER_CONFIGURATION"] = wanted
    before = set(control_plane.shell(RUNNING).split())
    scheduler = set(control_plane.shell(SCHEDULER).split()) & before
    assert len(scheduler) == 2  # its container and its pod's sandbox
    said = control_plane.succeed("apply_control_plane")
    assert "changing: kube-scheduler\n" in said
    # The kubelet ends a sandbox some time after its container.
    await_true(
        lambda: scheduler.isdisjoint(control_plane.shell(RUNNING).split()),
        "the former scheduler and its sandbox to end",
    )
    assert before - set(control_plane.shell(RUNNING).split()) == scheduler
    assert "--v=1" in control_plane.shell(f"cat {MANIFESTS}/kube-scheduler.yaml")
    assert NOTHING in control_plane.succeed("apply_control_plane")


def test_certificate_names_of_the_api_server_are_added_in_place(control_plane: Member) -> None:
    wanted = control_plane.cluster_configuration().replace(
        "certSANs:\n", "certSANs:\n  - added.example.com\n"
    )
    control_plane.documents["CLUSTER_CONFIGURATION"] = wanted
    before = control_plane.shell(RUNNING)
    assert "added.example.com" in control_plane.succeed("apply_control_plane")
    assert control_plane.shell(RUNNING) == before
    shown = control_plane.shell(
        f"openssl s_client -connect {control_plane.spec.bare_address}:6443 </dev/null 2>/dev/null |"
        " openssl x509 -noout -ext subjectAltName"
    )
    assert "added.example.com" in shown


def test_the_kubelet_configuration_is_changed(control_plane: Member, worker: Member) -> None:
    worker.documents["KUBELET_CONFIGURATION"] += "maxPods: 77\n"
    for machine in (control_plane, worker):
        before = machine.shell(RUNNING)
        assert "the kubelet's configuration" in machine.succeed("apply_kubelet")
        assert "maxPods: 77" in machine.shell("cat /var/lib/kubelet/config.yaml")
        assert machine.shell(RUNNING) == before
        assert NOTHING in machine.succeed("apply_kubelet")


def test_documents_are_uploaded_with_their_names(control_plane: Member) -> None:
    names = (
        "kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system get configmap "
        "kubeadm-config kubelet-config "
        "--output 'jsonpath={.items[*].metadata.annotations.kubeadm-fleet/document}'"
    )
    assert all(len(name) >= 16 for name in control_plane.shell(names).split()), "kubeadm init"
    control_plane.succeed("upload_configuration")
    assert control_plane.shell(names).split() == ["c1", "k1"]
    assert "maxPods: 77" in uploaded(control_plane, "kubelet-config", "kubelet")


def test_machines_record_the_documents_with_which_they_joined(
    control_plane: Member, worker: Member
) -> None:
    joined = [
        machine.shell("cat /var/lib/kubeadm-fleet/joined").split()
        for machine in (control_plane, worker)
    ]
    assert joined[0] == joined[1]
    applied = worker.shell("cat /var/lib/kubeadm-fleet/applied-state")
    assert f"kubelet\t{joined[1][1]}\n" in applied
    assert len(joined[0][0]) > len(joined[0][1]) >= 16


def test_all_damage_is_repaired(control_plane: Member) -> None:
    """With the API server's own manifest gone there is no API to ask how it should be."""
    looked = control_plane.node_facts()
    control_plane.shell(
        f"rm {MANIFESTS}/kube-apiserver.yaml; systemctl stop kubelet\n"
        "echo 'maxPods: 5' >>/var/lib/kubelet/config.yaml\n"
        "echo KUBELET_KUBEADM_ARGS= >/var/lib/kubelet/kubeadm-flags.env\n"
        "cp --remove-destination /usr/local/bin/kubectl /usr/local/bin/kubelet\n"
        "sed -i s/overlayfs/native/ /etc/containerd/config.toml\n"
        "rm /etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
    )
    assert control_plane.node_facts() != looked
    control_plane.succeed("repair")
    assert control_plane.node_facts() == looked
    assert NOTHING in control_plane.succeed("repair")


def test_a_stopped_worker_is_repaired(worker: Member) -> None:
    looked = worker.node_facts()
    worker.shell("systemctl disable --now kubelet; systemctl stop containerd")
    worker.succeed("repair")
    assert worker.node_facts() == looked


def running_images(machine: Member) -> dict[str, str]:
    """Return the last part of the image's name of each container that runs, by its id."""
    running = machine.shell(RUNNING).split()
    images = dict(line.split()[:2] for line in machine.shell(IMAGES).splitlines())
    return {each: images[each].rpartition("/")[2].partition(":")[0] for each in running}


def leaders_logs(machine: Member) -> dict[str, str]:
    """Return the path of the log of each leader's container that runs, on a control plane."""
    newest = "ls -t /var/log/pods/kube-system_{0}-*/{0}/*.log | head -n 1"
    return {name: machine.shell(newest.format(name)).strip() for name in LEADERS}


def await_lost_lease(machine: Member, log: str) -> None:
    """Return when a log ends with a lost lease: containerd writes it later than the task ends."""
    await_true(
        lambda: bool(LOST.search(machine.shell(f"cat '{log}'"))),
        f"a leader to say in {log} that it lost its lease",
        seconds=10,
    )


def test_every_file_of_the_record_is_repaired(control_plane: Member, worker: Member) -> None:
    for machine in (control_plane, worker):
        is_plane = machine is control_plane
        looked, ended = machine.node_facts(), set[str]()
        paths = machine.shell(f"cut -f 1 {RECORD}").split()
        assert len(paths) >= len(COMMON_FILES)
        for damage in ("echo '# a person' >>", "rm"):
            running = running_images(machine)
            logs = leaders_logs(machine) if is_plane else {}
            machine.shell("".join(f"{damage} '{path}'\n" for path in paths))
            found = machine.node_facts()
            assert all(found[f"file:{path}"] != looked[f"file:{path}"] for path in paths)
            machine.succeed("repair")
            assert machine.node_facts() == looked
            names = {running[each] for each in running.keys() - running_images(machine).keys()}
            # On a busy host, the API server is away for longer than leaders can do without it.
            for name in names & LEADERS:
                await_lost_lease(machine, logs[name])
            ended |= names - LEADERS
        # Its API server reads files of its own only at its start.
        assert ended == ({"kube-apiserver"} if is_plane else set())


def test_prepare_changes_nothing_on_a_member(worker: Member) -> None:
    before = worker.node_facts(), worker.shell(STARTED)
    deliver_files(worker.root, files_behind(Outbound(http="http://192.0.2.1:3128")))
    ran = worker.prepare(VERSION)
    assert ran.status == 0, ran.err
    assert "changed" not in ran.out
    assert (worker.node_facts(), worker.shell(STARTED)) == before


def test_a_proxy_is_applied_repaired_and_removed(worker: Member) -> None:
    environment = "systemctl show --property=Environment --value containerd"
    outbound = Outbound(http="http://192.0.2.1:3128", no_proxy=("100%.example.com",))
    files = files_behind(outbound)
    without, running = worker.node_facts(), worker.shell(RUNNING)

    assert "changed: " in worker.succeed("apply_files", FILES=table(files), PARTS="proxy")
    behind = worker.node_facts()
    assert behind["part:proxy"] == part_digests(files)["proxy"]
    assert worker.shell(environment).split() == outbound.environment.split()
    worker.shell("rm -r /etc/systemd/system/containerd.service.d; systemctl daemon-reload")
    worker.shell("systemctl restart containerd")
    assert worker.shell(environment).strip() == ""
    worker.succeed("repair")
    assert worker.node_facts() == behind
    assert worker.shell(environment).split() == outbound.environment.split()

    worker.succeed("apply_files", FILES=table(COMMON_FILES), PARTS="proxy")
    assert worker.node_facts() == without
    assert worker.shell(environment).strip() == ""
    assert worker.shell(RUNNING) == running


def test_mirrors_are_applied_and_removed_without_a_restart(worker: Member) -> None:
    mirrors = {f"registry-{number}.example.com": Mirror("http://192.0.2.1") for number in range(3)}
    files = files_behind(Outbound(mirrors=mirrors))
    without, started = worker.node_facts(), worker.shell(STARTED)
    worker.succeed("apply_files", FILES=table(files), PARTS="mirrors")
    assert worker.shell("ls /etc/containerd/certs.d").split() == sorted(mirrors)
    worker.succeed("apply_files", FILES=table(COMMON_FILES), PARTS="mirrors")
    assert worker.shell("ls /etc/containerd").split() == ["config.toml"]
    assert worker.node_facts() == without
    assert worker.shell(STARTED) == started


@pytest.mark.parametrize("lines", [1, 40, 80])
def test_files_of_a_killed_run_are_known_and_removed(worker: Member, lines: int) -> None:
    """With many files there is a moment between the first and the last of them."""
    mirrors = {
        f"registry-{number}.example.com": Mirror("http://192.0.2.1") for number in range(100)
    }
    files = files_behind(Outbound(http="http://192.0.2.1:3128", mirrors=mirrors))
    without = worker.node_facts()
    written = "find /etc/containerd/certs.d -name hosts.toml 2>/dev/null | wc -l"
    kill = f"until (($({written}) >= {lines})); do :; done\npkill -KILL --full apply_files"
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(worker.operate, "apply_files", FILES=table(files), PARTS="mirrors")
        worker.shell(kill)
        assert killed.result().status != 0
    assert int(worker.shell(written)) < len(mirrors)
    found = worker.node_facts()
    assert found["part:mirrors"] == "pending"
    assert sum("certs.d" in key for key in found) == len(mirrors)
    worker.succeed("apply_files", FILES=table(COMMON_FILES), PARTS="mirrors")
    assert worker.node_facts() == without
    assert worker.shell("ls /etc/containerd").split() == ["config.toml"]


@pytest.mark.parametrize("after_seconds", [0.2, 0.8, 1.5, 3, 5])
def test_a_killed_change_is_completed_by_the_next_run(
    control_plane: Member, after_seconds: float
) -> None:
    level = str(int(10 * after_seconds))
    wanted = control_plane.cluster_configuration(
        apiServer={"v": level}, controllerManager={"v": level}, scheduler={"v": level}
    )
    control_plane.documents["CLUSTER_CONFIGURATION"] = wanted
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(control_plane.operate, "apply_control_plane")
        time.sleep(after_seconds)  # A moment that no condition marks.
        control_plane.shell("pkill -KILL --full apply_control_plane || true")
        assert killed.result().status != 0
    control_plane.succeed("apply_control_plane")
    found = control_plane.node_facts()
    assert found["interrupted"] == "no"
    for name in COMPONENTS[1:]:
        assert f"--v={level}" in control_plane.shell(f"cat {MANIFESTS}/{name}.yaml")
    assert NOTHING in control_plane.succeed("apply_control_plane")


def test_a_failed_change_is_rolled_back(
    control_plane: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = node_scripts.compose
    monkeypatch.setattr(
        node_scripts,
        "compose",
        lambda *a: compose(*a).replace("HEALTHY_SECONDS=300", "HEALTHY_SECONDS=15"),
    )
    looked = control_plane.node_facts()
    wrong = control_plane.cluster_configuration(scheduler={"no-such-argument": "1"})
    failed = control_plane.operate("apply_control_plane", CLUSTER_CONFIGURATION=wrong)
    assert failed.status == 1
    assert "kube-scheduler" in failed.err
    assert "was rolled back" in failed.err
    assert control_plane.node_facts() == looked
    assert NOTHING in control_plane.succeed("apply_control_plane")
    assert "no-such-argument" not in uploaded(
        control_plane, "kubeadm-config", "ClusterConfiguration"
    )


def test_a_kubelet_that_crash_loops_is_seen_and_repaired(worker: Member) -> None:
    looked = worker.node_facts()
    worker.shell("echo 'maxPods: many' >>/var/lib/kubelet/config.yaml; systemctl restart kubelet")
    await_true(
        lambda: "maxPods" in worker.node_facts().get("crash:kubelet", ""), "the kubelet to crash"
    )
    worker.succeed("repair")
    await_true(lambda: worker.node_facts() == looked, "the kubelet to run steadily")


def test_a_setting_that_the_kubelet_records_is_changed_and_reverted(worker: Member) -> None:
    document = worker.documents["KUBELET_CONFIGURATION"]
    static = f'{document}cpuManagerPolicy: static\nreservedSystemCPUs: "0"\n'
    for wanted, policy in ((static, "static"), (document, "none")):
        said = worker.succeed("apply_kubelet", KUBELET_CONFIGURATION=wanted)
        assert "removing the kubelet's cpu_manager_state" in said
        record = worker.shell("cat /var/lib/kubelet/cpu_manager_state")
        assert f'"policyName":"{policy}"' in record
    assert NOTHING in worker.succeed("apply_kubelet")


def test_an_api_server_that_crash_loops_is_rolled_back_early(control_plane: Member) -> None:
    looked = control_plane.node_facts()
    wrong = control_plane.cluster_configuration(apiServer={"no-such-argument": "1"})
    began = time.monotonic()
    failed = control_plane.operate("apply_control_plane", CLUSTER_CONFIGURATION=wrong)
    assert failed.status == 1
    assert "kube-apiserver is crash-looping: " in failed.err
    assert "unknown flag: --no-such-argument" in failed.err
    assert "was rolled back" in failed.err
    assert time.monotonic() - began < 200
    assert control_plane.node_facts() == looked
    assert NOTHING in control_plane.succeed("apply_control_plane")

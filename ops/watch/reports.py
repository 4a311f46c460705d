"""What the probes of a cluster report, by their logs: who reaches whom, and what machines say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ops.kube import host_reports, reachability
from ops.kube.errors import ApiError
from ops.kube.host_reports import Reading
from ops.kube.reachability import Probe, Report
from ops.watch.follower import Follower
from ops.watch.pods import Pod
from ops.watch.session import Session

# What an API server that could not ask a kubelet quotes: the path of logs there.
# https://github.com/kubernetes/kubernetes/issues/102139
KUBELET_PATH = "/containerLogs/"
# A probe reports once a minute, what a machine says is repeated every ten minutes.
SILENCE = {reachability.CONTAINER: 180.0, host_reports.CONTAINER: 900.0}


@dataclass
class Reports:
    """Follows both logs of each probe; the last report holds until there is another one."""

    session: Session
    network: dict[str, Report] = field(default_factory=dict)
    hosts: dict[str, Reading] = field(default_factory=dict)
    version: int = 0
    _pods: dict[str, Pod] = field(default_factory=dict)
    _followers: dict[tuple[str, str], Follower] = field(default_factory=dict)

    def follow(self, pods: Iterable[Pod]) -> None:
        """Follow the logs of these pods, and of no others."""
        wanted = {pod.name: pod for pod in pods if pod.is_probe and pod.started and pod.address}
        for name in set(self._pods) - set(wanted):
            pod = self._pods.pop(name)
            self.network.pop(name, None)
            self.hosts.pop(name, None)
            for container in pod.containers & set(SILENCE):
                self._followers.pop((name, container)).stop()
            self.version += 1
        for name in set(wanted) - set(self._pods):
            self._begin(wanted[name])
        self._pods.update(wanted)

    def unread_hosts(self) -> Iterator[str]:
        """Yield the Nodes whose machines have not said anything yet, or whose log is cut off."""
        return self._unread(host_reports.CONTAINER)

    def unread_networks(self) -> Iterator[str]:
        """Yield the Nodes whose probes have not said anything yet, or whose log is cut off."""
        return self._unread(reachability.CONTAINER)

    def cut_off(self) -> Iterator[tuple[str, str]]:
        """Yield the Nodes of which no log can be read, with what the API server says of it."""
        for name, pod in self._pods.items():
            found = [self._followers.get((name, container)) for container in SILENCE]
            errors = [each.error for each in found if each]
            failed = [each for each in errors if each and KUBELET_PATH in each.message]
            if failed and len(failed) == len(errors):
                yield pod.node, failed[0].message

    @property
    def is_any_read(self) -> bool:
        """Whether the log of one pod at least can be read, or there is none to read."""
        every = self._followers.values()
        return not every or any(each.is_read and each.error is None for each in every)

    def errors(self) -> Iterator[ApiError]:
        """Yield why logs cannot be followed."""
        for follower in self._followers.values():
            if follower.error is not None:
                yield follower.error

    def probes(self, pods: Iterable[Pod]) -> Mapping[Probe, Report]:
        """Return what the probes of these pods reach."""
        return {
            Probe(pod.node, pod.name, pod.address): self.network[pod.name]
            for pod in pods
            if pod.name in self.network
        }

    def _unread(self, container: str) -> Iterator[str]:
        for name, pod in self._pods.items():
            follower = self._followers.get((name, container))
            if follower and (not follower.is_read or follower.error is not None):
                yield pod.node

    def _begin(self, pod: Pod) -> None:
        takes = {reachability.CONTAINER: self._reaches, host_reports.CONTAINER: self._says}
        for container, take in takes.items():
            if container in pod.containers:
                follower = Follower(
                    self.session,
                    pod.name,
                    container,
                    partial(take, pod),
                    SILENCE[container],
                    self._changed,
                )
                self._followers[(pod.name, container)] = follower
                follower.start()

    def _changed(self) -> None:
        self.version += 1

    def _reaches(self, pod: Pod, line: bytes) -> None:
        former = self.network.get(pod.name)
        self.network[pod.name] = new = reachability.parsed(line)
        if former is None or (former.reached, former.unreached) != (new.reached, new.unreached):
            self.version += 1

    def _says(self, pod: Pod, line: bytes) -> None:
        self.hosts[pod.name] = host_reports.parsed(pod.node, line, pod.started)
        self.version += 1

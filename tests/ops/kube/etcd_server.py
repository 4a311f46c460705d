"""A fake etcd: the output of etcdctl in its pods."""

import json
from collections.abc import Collection
from functools import partial

from tests.ops.kube.api_server import Api

PODS = "GET /api/v1/namespaces/kube-system/pods"
QUOTA = 2 << 30
REVISION = 4711


class Etcd:
    """Members by name, in the order of their addresses 192.0.2.11, 192.0.2.12, ..."""

    def __init__(
        self,
        api: Api,
        *names: str,
        dead: Collection[str] = (),
        learners: Collection[str] = (),
        unstarted: Collection[str] = (),
    ) -> None:
        self.members = dict(zip(names, range(11, 11 + len(names)), strict=True))
        self.dead, self.learners, self.unstarted = dead, learners, unstarted
        self.size, self.alarm = QUOTA // 2, ""
        self.leader = names[0] if names else ""
        # The members that were defragmented, in this order, and the revisions of compactions.
        self.defragmented: list[str] = []
        self.compacted: list[int] = []
        # Another answer than the one that etcd would give, by subcommand.
        self.failures: dict[str, tuple[int, str, str]] = {}
        api.answers[PODS] = lambda: (200, {"items": [self._pod(name) for name in names]})
        for name in names:
            if name not in dead:
                api.programs[f"etcd-{name}"] = partial(self._etcdctl, name)

    def id_of(self, name: str) -> str:
        """The member's id, as etcdctl takes it."""
        return f"{self._number(name):x}"

    def _number(self, name: str) -> int:
        return 0xABCDEF0000000000 + int.from_bytes(name[-4:].encode())

    def _pod(self, name: str) -> dict[str, object]:
        ready = "False" if name in self.dead else "True"
        return {
            "metadata": {"name": f"etcd-{name}"},
            "spec": {"nodeName": name},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }

    def _etcdctl(self, member: str, command: list[str]) -> tuple[int, str, str]:
        words = [word for word in command if not word.startswith("--")]
        subcommand = " ".join(words[1:3])
        if subcommand in self.failures:
            return self.failures[subcommand]
        if subcommand == "member list":
            return 0, json.dumps({"members": [self._listed(name) for name in self.members]}), ""
        if subcommand == "endpoint health":
            return int(bool(self.dead)), json.dumps(self._health()), "Error: unhealthy cluster"
        if subcommand == "endpoint status":
            return 0, json.dumps([self._status(name) for name in self.members]), ""
        if subcommand == "defrag":
            self.defragmented.append(member)
            return 0, "Finished defragmenting etcd member[https://127.0.0.1:2379]. took 1ms\n", ""
        if words[1] == "compact":
            self.compacted.append(int(words[2]))
            return 0, f"compacted revision {words[2]}\n", ""
        if subcommand == "alarm disarm":
            self.alarm = ""
            return 0, json.dumps({"alarms": []}), ""
        assert subcommand == "member remove"
        self.members = {name: n for name, n in self.members.items() if self.id_of(name) != words[3]}
        return 0, "{}", ""

    def _listed(self, name: str) -> dict[str, object]:
        address = f"192.0.2.{self.members[name]}"
        started = name not in self.unstarted
        return {
            "ID": self._number(name),
            "peerURLs": [f"https://{address}:2380"],
            **({"name": name, "clientURLs": [f"https://{address}:2379"]} if started else {}),
            **({"isLearner": True} if name in self.learners else {}),
        }

    def _status(self, name: str) -> dict[str, object]:
        number = self._number(name)
        size = self.size // 4 if name in self.defragmented else self.size
        status = {
            "header": {"member_id": number, "revision": REVISION},
            "leader": self._number(self.leader),
            "dbSize": size,
            "dbSizeInUse": min(size, self.size // 2),
            "dbSizeQuota": QUOTA,
        }
        alarm = {"errors": [f"memberID:{number} alarm:{self.alarm} "]} if self.alarm else {}
        endpoint = f"https://192.0.2.{self.members[name]}:2379"
        return {"Endpoint": endpoint, "Status": {**status, **alarm}}

    def _health(self) -> list[dict[str, object]]:
        return [
            {
                "endpoint": f"https://192.0.2.{number}:2379",
                "health": name not in self.dead and not self.alarm,
                **({"error": f"Active Alarm(s): {self.alarm} "} if self.alarm else {}),
            }
            for name, number in self.members.items()
            if name not in self.unstarted
        ]

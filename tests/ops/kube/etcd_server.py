"""A fake etcd: the output of etcdctl in its pods."""

import json
from collections.abc import Collection

from tests.ops.kube.api_server import Api

PODS = "GET /api/v1/namespaces/kube-system/pods"
QUOTA = 2 << 30


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
        # Another answer than the one that etcd would give, by subcommand.
        self.failures: dict[str, tuple[int, str, str]] = {}
        api.answers[PODS] = lambda: (200, {"items": [self._pod(name) for name in names]})
        for name in names:
            if name not in dead:
                api.programs[f"etcd-{name}"] = self._etcdctl

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

    def _etcdctl(self, command: list[str]) -> tuple[int, str, str]:
        words = [each for each in command if not each.startswith("--")]
        subcommand = " ".join(words[1:3])
        if subcommand in self.failures:
            return self.failures[subcommand]
        if subcommand == "member list":
            return 0, json.dumps({"members": [self._listed(name) for name in self.members]}), ""
        if subcommand == "endpoint health":
            return int(bool(self.dead)), json.dumps(self._health()), "Error: unhealthy cluster"
        if subcommand == "endpoint status":
            return 0, json.dumps([self._status(number) for number in self.members.values()]), ""
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

    def _status(self, number: int) -> dict[str, object]:
        status = {"dbSize": self.size, "dbSizeInUse": self.size // 2, "dbSizeQuota": QUOTA}
        alarm = {"errors": [f"memberID:{number} alarm:{self.alarm} "]} if self.alarm else {}
        return {"Endpoint": f"https://192.0.2.{number}:2379", "Status": {**status, **alarm}}

    def _health(self) -> list[dict[str, object]]:
        return [
            {"endpoint": f"https://192.0.2.{number}:2379", "health": name not in self.dead}
            for name, number in self.members.items()
            if name not in self.unstarted
        ]

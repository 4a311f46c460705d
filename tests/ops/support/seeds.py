"""Ten thousand secrets in documents as clusters have them, always the same ones.

Half of them are values of the cluster's Secrets and may be anywhere in any form; the others are
recognized by their form or by the name beside them.
"""

import base64
import gzip
import json
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

PLAIN = string.ascii_letters + string.digits
SYMBOLS = PLAIN + "!#%&*+-./:;<=>?@^_~|$"
ODD = SYMBOLS + "\"\\ 'äß日€"
STAMP = "2026-11-27T05:00:00.123456Z"


@dataclass
class Seeds:
    """The secrets, and the documents that have them: logs, and objects by kind."""

    secrets: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    objects: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)


def seeds(number: int = 10_000, seed: int = 20261127) -> Seeds:
    """Return so many secrets in documents."""
    maker = _Maker(Random(seed))
    kinds = (*STORED, *RECOGNIZED)
    for index in range(number):
        # Half of them are values of Secrets.
        kind = (
            STORED[index // 2 % len(STORED)]
            if index % 2
            else RECOGNIZED[index // 2 % len(RECOGNIZED)]
        )
        kind(maker)
    assert len(kinds) > 30
    return maker.seeds


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.seeds = Seeds()

    def text(self, alphabet: str = PLAIN, shortest: int = 12, longest: int = 40) -> str:
        length = self.random.randint(shortest, longest)
        while True:
            text = "".join(self.random.choice(alphabet) for _ in range(length))
            # A real one has both, and neither begins nor ends with a blank.
            if any(map(str.isdigit, text)) and any(map(str.isalpha, text)) and text == text.strip():
                return text

    def secret(self, alphabet: str = PLAIN, shortest: int = 12, longest: int = 40) -> str:
        """Return a secret that no Secret has."""
        found = self.text(alphabet, shortest, longest)
        self.seeds.secrets.append(found)
        return found

    def stored(self) -> str:
        """Return the value of a Secret."""
        found = self.secret(self.random.choice((PLAIN, SYMBOLS, ODD)), 8, 60)
        number = len(self.seeds.stored)
        self.seeds.stored.append(
            {
                "metadata": {"name": f"secret-{number}", "namespace": f"team-{number % 7}"},
                "type": "Opaque",
                "data": {"value": base64.b64encode(found.encode()).decode()},
            }
        )
        return found

    def pem(self, kind: str) -> tuple[str, list[str]]:
        """Return the lines of a private key, whose content is the secret."""
        body = base64.b64encode(self.random.randbytes(self.random.randint(120, 1200))).decode()
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        self.seeds.secrets.append(self.random.choice([line for line in lines if len(line) == 64]))
        return kind, [f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"]

    def jwt(self) -> str:
        def part(length: int) -> str:
            raw = self.random.randbytes(length)
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")

        head = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"x"}').decode().rstrip("=")
        signature = part(64)
        self.seeds.secrets.append(signature)
        return f"{head}.{part(90)}.{signature}"

    def log(self, message: str) -> None:
        self.seeds.logs.append(f"{STAMP} stderr F I1127 05:00:00.1 1 x.go:12] {message}\n")

    def object(self, kind: str, found: dict[str, Any]) -> None:
        number = len(self.seeds.objects)
        metadata = {"name": f"object-{number}", "namespace": "default", **found.pop("metadata", {})}
        self.seeds.objects.append((kind, {"metadata": metadata, **found}))

    def pod(self, **container: Any) -> None:
        self.object(
            "Pod", {"spec": {"containers": [{"name": "main", "image": "a/b:1", **container}]}}
        )


Kind = Callable[[_Maker], None]


def _stored_kinds() -> Iterator[Kind]:
    yield lambda m: m.log(f"connecting as app {m.stored()} to the database")
    yield lambda m: m.log(f"payload={base64.b64encode((m.text() + m.stored()).encode()).decode()}")
    yield lambda m: m.log(f"blob {base64.b64encode(m.stored().encode()).decode()} end")
    yield lambda m: m.log(f"GET /login?x={quote(m.stored(), safe='')}&y=1 200")
    yield lambda m: m.log(f"form body a=1&b={quote_plus(m.stored())}")
    yield lambda m: m.log(json.dumps({"message": m.stored(), "level": "info"}))
    yield lambda m: m.log(json.dumps({"inner": json.dumps({"message": m.stored()})}))
    yield lambda m: m.log(json.dumps({"message": m.stored()}, ensure_ascii=False))
    yield lambda m: m.object("Event", {"message": f"probe failed: {m.stored()}", "type": "Warning"})
    yield lambda m: m.object("Service", {"metadata": {"annotations": {"note": m.stored()}}})
    yield lambda m: m.object("Widget", {"spec": {"greeting": [m.stored(), "x"]}})
    yield lambda m: m.pod(command=["sh", "-c", f"run {m.stored()}"])
    yield lambda m: m.pod(env=[{"name": "GREETING", "value": m.stored()}])
    yield lambda m: m.object("ConfigMap", {"data": {"a.conf": f"x = {m.stored()}\n"}})
    yield lambda m: m.object(
        "ConfigMap",
        {"metadata": {"name": "kube-proxy", "namespace": "kube-system"},
         "data": {"config.conf": f"x: {m.stored()}\n"}},
    )  # fmt: skip
    yield lambda m: m.log(
        f"hidden={base64.urlsafe_b64encode(b'abc' + m.stored().encode()).decode()}"
    )


def _with_pem(kind: str) -> Iterator[Kind]:
    def raw(m: _Maker) -> None:
        m.seeds.logs.append("\n".join(["a line before", *m.pem(kind)[1], "a line after"]) + "\n")

    def each_line(m: _Maker) -> None:
        for line in m.pem(kind)[1]:
            m.log(line)

    yield raw
    yield each_line
    yield lambda m: m.log(json.dumps({"file": "\n".join(m.pem(kind)[1])}))
    yield lambda m: m.seeds.logs.append(
        "data:\n  k.txt: |\n" + "".join(f"    {line}\n" for line in m.pem(kind)[1])
    )
    yield lambda m: m.object("Widget", {"spec": {"material": "\n".join(m.pem(kind)[1]) + "\n"}})
    yield lambda m: m.log(
        "encoded " + base64.b64encode("\n".join(m.pem(kind)[1]).encode()).decode()
    )


def kubeconfig(m: _Maker) -> str:
    """Return one with a key and a token."""
    key = base64.b64encode(m.random.randbytes(150)).decode()
    m.seeds.secrets.append(key)
    return (
        "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n"
        f"    client-key-data: {key}\n    token: {m.secret()}\n"
    )


def helm(m: _Maker) -> None:
    """A release of Helm as it is stored."""
    release = {"name": "shop", "config": {"adminPassword": m.secret()}}
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    m.seeds.secrets.append(packed.decode())
    m.seeds.stored.append(
        {
            "metadata": {"name": f"sh.helm.release.v1.a{len(m.seeds.stored)}", "namespace": "shop"},
            "type": "helm.sh/release.v1",
            "data": {"release": base64.b64encode(packed).decode()},
        }
    )


def last_applied(m: _Maker) -> None:
    """A Secret that was applied, as its annotation has it."""
    applied = {"kind": "Secret", "stringData": {"a": m.secret()}}
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}
    m.object("Secret", {"metadata": {"annotations": annotations}, "data": {}, "type": "Opaque"})


def _recognized_kinds() -> Iterator[Kind]:
    for kind in ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"):
        yield from _with_pem(kind)
    yield lambda m: m.seeds.logs.append(kubeconfig(m))
    yield lambda m: m.log(json.dumps({"kubeconfig": kubeconfig(m)}))
    yield lambda m: m.log("written " + base64.b64encode(kubeconfig(m).encode()).decode())
    yield lambda m: m.object("Widget", {"spec": {"kubeconfig": kubeconfig(m)}})
    yield lambda m: m.log(f"Authorization: Bearer {m.secret()}")
    yield lambda m: m.log(f'curl -H "Authorization: Bearer {m.jwt()}" https://a.example')
    yield lambda m: m.log(f"sent bearer {m.secret(PLAIN + '-._~')} to the server")
    yield lambda m: m.log(f"jwt {m.jwt()} has expired")
    yield lambda m: m.log(f"GET /api?access_token={m.secret()}&page=2 200")
    yield lambda m: m.log(
        "Authorization: Basic " + base64.b64encode(f"u:{m.secret()}".encode()).decode()
    )
    yield lambda m: m.log(
        f"dial postgres://app:{m.secret(PLAIN + '!$*+-._~')}@db.example:5432/shop: refused"
    )
    yield lambda m: m.log(f'proxy "http://user:{m.secret()}@proxy.example:3128" is used')
    yield lambda m: m.object("Widget", {"spec": {"url": f"amqp://a:{m.secret()}@mq.example/"}})
    yield lambda m: m.log(f"starting: --password={m.secret(SYMBOLS.replace(';', ''))} --verbose")
    yield lambda m: m.log(f"starting: --db-password {m.secret()} --verbose")
    yield lambda m: m.log(f"export DB_PASSWORD={m.secret()}; exec app")
    yield lambda m: m.log(json.dumps({"user": "a", "password": m.secret(ODD), "port": 5432}))
    yield lambda m: m.log(json.dumps({"request": json.dumps({"apiKey": m.secret(SYMBOLS)})}))
    yield lambda m: m.seeds.logs.append(
        f"db:\n  user: app\n  password: {m.secret(SYMBOLS)}\n  port: 1\n"
    )
    yield lambda m: m.seeds.logs.append(f"    client_secret: '{m.secret()}'\n")
    yield lambda m: m.seeds.logs.append(f"password: |\n  {m.secret()}\n  {m.secret()}\nnext: 1\n")
    yield lambda m: m.seeds.logs.append(
        f"- name: API_TOKEN\n  value: {m.secret()}\n- name: A\n  value: b\n"
    )
    yield lambda m: m.log(json.dumps([{"name": "SMTP_PASSWORD", "value": m.secret()}]))
    yield lambda m: m.pod(env=[{"name": "GREETING", "value": m.secret(ODD)}])
    yield lambda m: m.pod(env=[{"name": "DB_PASS", "value": m.secret(ODD)}])
    yield lambda m: m.pod(args=["--user", "a", "--token", m.secret(ODD.replace("-", ""))])
    yield lambda m: m.pod(args=[f"--client-secret={m.secret()}", "--verbose"])
    yield lambda m: m.pod(command=["sh", "-c", f"PGPASSWORD={m.secret()} psql"])
    yield lambda m: m.pod(
        livenessProbe={"httpGet": {"httpHeaders": [{"name": "X-Auth", "value": m.secret()}]}}
    )
    yield lambda m: m.object("Widget", {"spec": {"adminPassword": m.secret(ODD)}})
    yield lambda m: m.object("Machine", {"spec": {"userData": f"#cloud-config\n# {m.secret()}"}})
    yield lambda m: m.seeds.logs.append(
        f"#cloud-config\nchpasswd:\n  list: |\n    root:{m.secret()}\n"
        f"runcmd:\n- echo {m.secret()}\n\nnext\n"
    )
    yield lambda m: m.object("ConfigMap", {"data": {"a": m.secret(ODD)}})
    yield lambda m: m.log(
        f"key AKIA{m.secret(string.ascii_uppercase + string.digits, 16, 16)} used"
    )
    yield lambda m: m.log(f"git clone with ghp_{m.secret(PLAIN, 36, 36)} failed")
    yield lambda m: m.log(
        "docker "
        + json.dumps(
            {
                "auths": {
                    "r.example": {"auth": base64.b64encode(f"u:{m.secret()}".encode()).decode()}
                }
            }
        )
    )
    yield lambda m: m.log(f"Set-Cookie: session={m.secret()}; Path=/")
    yield lambda m: m.log(f"{{Name:DB_PASSWORD Value:{m.secret()} ValueFrom:nil}}")
    yield lambda m: m.log(f'cfg="password={m.secret()}" err="x"')
    yield helm
    yield last_applied


STORED = tuple(_stored_kinds())
RECOGNIZED = tuple(_recognized_kinds())

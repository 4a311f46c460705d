"""Which names are those of secrets: keys of documents, environment variables, flags, headers."""

import re
from functools import lru_cache

# Searched for in texts, in small letters.
WORDS = (
    "passw", "_pass", "-pass", "dbpass", "userpass", "passphrase", "passcode", "pwd", "secret",
    "token", "apikey", "api_key", "api-key", "credential", "private_key", "private-key",
    "privatekey", "access_key", "access-key", "accesskey", "encryption_key", "encryption-key",
    "encryptionkey", "signing_key", "signing-key", "signingkey", "certificate-key",
    "certificatekey", "client-key-data", "clientkeydata", "master_key", "master-key",
    "masterkey", "auth_key", "authkey", "auth-key", "secret_key", "hmac", "cookie",
    "authorization", "connectionstring", "connection_string", "connection-string", "_dsn",
    "signature", "userdata", "user-data", "user_data", "cloud-init", "cloudinit",
    "bootstrapdata", '"auth', "'auth", "auth:", "auth=", "_auth", "identitytoken",
    "session_key", "sessionkey", "ssh_key", "sshkey", "ssh-key", "shared_key", "webhook_url",
    "account_key", "accountkey", "storage_key", "license_key", "licensekey",
)  # fmt: skip
# What a name may end with that is only about a secret: where it is, what it is called, how long
# it is valid.
ABOUT = re.compile(
    r"(name|names|namespace|ref|refs|file|files|path|paths|dir|folder|mount|mounts|ttl|seconds|"
    r"expiration|expiry|expires|expirationtimestamp|count|type|types|version|kind|enabled|"
    r"disabled|policy|length|size|bytes|issuer|issuers|audience|audiences|url|uri|endpoint|"
    r"algorithm|algorithms|controller|provider|providers|volume|volumes|projection|automount\w*|"
    r"review|reviews|request|requests|cleaner|signer|approver|mode|method|reason|status|"
    r"cacerthash|fingerprint|usage|usages|authenticator|rotation|lookup|extend\w*|"
    r"index|manager|store|class|plugin|required|ready|annotation|label|"
    r"server|servers|group|groups|timeout|interval|retries|limit|used|age|cache\w*|from|source|"
    r"sources|mapping|kms|resource|resources|template|lifetime|duration|webhook|description)$"
)
# `tokencleaner.go:104] ...` of a log.
SOURCE_FILES = (".go", ".py", ".sh", ".c", ".cc", ".rs", ".java")
# Names that are secrets whatever they end with.
ALWAYS = ("webhookurl", "sasurl", "signedurl")
# A path does not tell what is in the file.
_PATH = re.compile(
    rb"/(?:etc|var|run|usr|opt|home|root|tmp|srv|mnt|data|proc|sys|dev|lib)(?:/[\w.@%+~-]+){1,32}/?"
)
HARMLESS = {
    *(b"true", b"false", b"null", b"none", b"nil", b"<nil>", b"~", b"yes", b"no", b"{}", b"[]"),
    *(b"", b"-", b"{", b"[", b'""', b"''", b"unknown", b"disabled", b"secrets", b"secret"),
}
# Environment variables whose values may be read.
ENVIRONMENT = {
    *("TZ", "LANG", "LC_ALL", "LC_CTYPE", "HOME", "PATH", "HOSTNAME", "TERM", "USER", "SHELL"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "NODE_NAME", "POD_NAME", "POD_IP"),
    *("POD_NAMESPACE", "NAMESPACE", "HOST_IP", "LOG_LEVEL", "LOGLEVEL", "RUST_LOG", "GODEBUG"),
    *("GOMAXPROCS", "GOGC", "GOMEMLIMIT", "PORT", "DATASTORE_TYPE", "CLUSTER_TYPE", "IP"),
    *("EVENT_QUEUE_DEPTH", "CONT_WHEN_CACHE_NOT_READY", "WAIT_FOR_DATASTORE"),
    *("CALICO_NETWORKING_BACKEND", "CALICO_DISABLE_FILE_LOGGING", "USE_POD_CIDR"),
    *("FELIX_DEFAULTENDPOINTTOHOSTACTION", "FELIX_HEALTHENABLED", "FELIX_LOGSEVERITYSCREEN"),
    *("FELIX_IPV6SUPPORT", "JAVA_HOME", "NODE_ENV", "PYTHONUNBUFFERED"),
}
# Headers of HTTP probes whose values may be read.
HEADERS = {"accept", "accept-encoding", "connection", "content-type", "host", "user-agent"}
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether the value under this name is a secret: `DB_PASSWORD`, not `passwordFile`."""
    small = name.lower()
    if small.endswith(SOURCE_FILES):
        return False
    if not any(word in small for word in _NAME_WORDS) and not _LOGIN.search(small):
        return False
    plain = _SEPARATORS.sub("", small)
    return plain.endswith(ALWAYS) or ABOUT.search(plain) is None


def is_harmless(value: bytes) -> bool:
    """Whether a value says nothing, though its name is that of a secret; a path is harmless."""
    return value.strip().lower() in HARMLESS or _PATH.fullmatch(value.strip()) is not None


# Docker's logins have this name; others only begin with it.
_LOGIN = re.compile(r"(?:^|[_-])auth$")
_NAME_WORDS = tuple(word for word in WORDS if not word.strip("\"':=_").endswith("auth"))

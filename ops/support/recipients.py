"""Who can decrypt an archive: public keys of age or of SSH, in a text or in a file.

https://age-encryption.org/v1, https://github.com/FiloSottile/age#ssh-keys
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ops.errors import OperatorError, text_of

AGE, SSH = "age1", ("ssh-ed25519", "ssh-rsa")
FORMS = "age1..., `ssh-ed25519 ...`, `ssh-rsa ...`, or a file with such lines"


def recipients(given: Sequence[str]) -> list[Any]:
    """Return the recipients for pyrage, of keys and of files with keys; raise OperatorError."""
    found = [_recipient(key, text) for text in given for key in _keys(text)]
    if given and not found:
        raise OperatorError(f"there is no key in {', '.join(given)}: a recipient is {FORMS}")
    return found


def _keys(text: str) -> Iterator[str]:
    """Yield the keys in an argument."""
    if text.startswith((AGE, *SSH)):
        yield text
        return
    try:
        lines = Path(text).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"{text[:80]} is neither a key nor a file that can be read ({text_of(error)}): a "
            f"recipient is {FORMS}"
        ) from None
    for line in map(str.strip, lines):
        if line.startswith(("-----BEGIN", "AGE-SECRET-KEY-")):
            raise OperatorError(
                f"{text} is a private key: name the public one ({text}.pub, or the line `age1...` "
                "that age-keygen shows)"
            )
        if line and not line.startswith("#"):
            yield line


def _recipient(key: str, given: str) -> Any:
    import pyrage

    where = "" if key == given else f" in {given}"
    kind = key.split()[0]
    if not kind.startswith(AGE) and kind not in SSH:
        raise OperatorError(
            f"a key of type {kind[:40]}{where} cannot be a recipient: take one of age, or SSH's "
            "ssh-ed25519 or ssh-rsa"
        )
    try:
        if kind.startswith(AGE):
            return pyrage.x25519.Recipient.from_str(kind)
        return pyrage.ssh.Recipient.from_str(" ".join(key.split()[:2]))
    except pyrage.RecipientError as error:
        raise OperatorError(f"the key {key[:40]}...{where} is not valid: {error}") from None

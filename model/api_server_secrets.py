"""Files of an API server that nobody else may read, and the table in which they travel.

They are no part of the table of files (model/render/machine_files.py), which is stored on the
operator's host. The table has a line for each file: its name and its content in base64, separated
by a tab; scripts/node/api_server_secrets.sh writes the files and computes the same digest of them.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256


def table(files: Mapping[str, str]) -> str:
    """Return the table of texts by file name, without a newline at its end."""
    contents = {name: f"{text.rstrip()}\n".encode() for name, text in sorted(files.items())}
    return "\n".join(f"{name}\t{b64encode(text).decode()}" for name, text in contents.items())


def digest(table: str) -> str:
    """Return the digest by which the files are known.

    None of them can be guessed from it, since one has a random key.
    """
    return sha256(f"{table}\n".encode()).hexdigest()

"""Running a script as root on a machine after logging in.

A password for sudo is sent in front of the command's standard input, followed by an empty line.
sudo takes the first line if it asks; the remaining lines up to the empty one are discarded. So a
host whose sudo does not ask, or not again, is handled the same way.
"""

from shlex import quote

KILL_AFTER_SECONDS = 10
DISCARD_PREAMBLE = "while IFS= read -r line && [[ $line ]]; do :; done; "


def command(script: str, *, sudo: bool, needs_password: bool, seconds: int, words: str = "") -> str:
    """Return the command that runs a bash script as root, at most `seconds` long (0: no limit).

    `needs_password` means that a password is sent in front of the script's standard input; `words`
    are the script's own, its name first.
    """
    if not sudo:
        become, before = "", ""
    elif needs_password:
        become, before = "sudo --stdin --prompt= ", DISCARD_PREAMBLE
    else:
        become, before = "sudo --non-interactive ", ""
    limit = f"timeout --kill-after={KILL_AFTER_SECONDS} {seconds}"
    return f"exec {become}{limit} bash -c {quote(before + script)} {words}".rstrip()


def sudo_preamble(password: str | None) -> str:
    """Return the prefix of the script's standard input."""
    return "" if password is None else f"{password}\n\n"

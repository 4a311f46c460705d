"""Messages of the engine and of providers, as a user gets them."""

import re

# Messages of the engine about itself: true of every run, and not actionable.
NOISE = (
    *("update failed", "preview failed", "resource registration failed"),
    *("preview canceled", "update canceled", "refresh canceled", "destroy canceled"),
    "an unhandled error occurred: program exited with non-zero exit code",
)
# The beginning of what the engine says of an interrupted run, with advice that is not for `fleet`.
INTERRUPTED = "Attempting to deploy or update resources with"
_CLASS = re.compile(r"^(?:error: )?(?:Exception calling application: )?(?:[a-z_]\w*\.)+[A-Z]\w*: ")


def for_user(text: str) -> str:
    """Return a message in our words; "" for one that the engine makes of each run."""
    text = clean(text)
    if text.startswith(NOISE):
        return ""
    return _interrupted(text) if text.startswith(INTERRUPTED) else text


def clean(text: str) -> str:
    """Return a message for the user: no traceback, no class name and no code of this program."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    for number, line in enumerate(lines):
        if line.strip().startswith("Traceback (most recent call last)"):
            end = next(
                (
                    later
                    for later in range(number + 1, len(lines))
                    if lines[later] and not lines[later].startswith(" ")
                ),
                len(lines) - 1,
            )
            lines[number:end] = []
            break
    return _CLASS.sub("", "\n".join(lines).strip())


def _interrupted(text: str) -> str:
    """Return in our words which resources an earlier run left unfinished."""
    lines = (line.strip() for line in text.splitlines())
    urns = (line.partition(",")[0] for line in lines if line.startswith("* urn:"))
    names = ", ".join(dict.fromkeys(urn.rpartition("::")[2] for urn in urns))
    return (
        f"an earlier run was interrupted while it changed {names}; that is safe: `fleet up` does "
        "it again, and `fleet refresh` removes this notice"
    )

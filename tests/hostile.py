"""Texts that act if anything takes them for more than text; the same in each run."""

import random
from pathlib import Path

COUNT = 1000
# Ways to have a shell, awk, sed, systemd, YAML or Jinja execute or read something.
COMMANDS = (
    "$(touch {0})", "`touch {0}`", "; touch {0}", "| touch {0}", "& touch {0} &", "&& touch {0}",
    "|| touch {0}", "\ntouch {0}\n", "\r\ntouch {0}", "${{IFS}}$(touch${{IFS}}{0})", "<(touch {0})",
    ">{0}", ">>{0}", "{{{{ touch {0} }}}}", "$(({0}[$(touch {0})]))", "a[$(touch {0})]",
    '"}}; system("touch {0}") #', "/e touch {0}\n", "\nExecStartPre=/bin/touch {0}\n",
    "!!python/object/apply:os.system [touch {0}]", "$'\\x24(touch {0})'",
)  # fmt: skip
# What ends the text that something is in.
ENDS = (
    "", "'", '"', "'\"'", "''", "\\", "\\'", "'\\''", "\\\\", "`", ")", "))", "}", "]", "/", "|",
    "#", " #", "\n", "\n\n", "\r", "\t", "\nEOF\n", "\n---\n", "\n...\n", ": ", "- ", "&x ",
    "*x", "@INTERFACE@", "@CREDENTIALS:docker.io@", "%s%n%p", "%i", "$", "$$", "${", "\\1&", "--",
    "-rf ", "../../",
)  # fmt: skip
# What is counted, cut, compared or drawn in other ways than it looks.
ODD = (
    "ü", "é", "テスト", "\u202e", "\u200b", "\ufeff", "\u2028", "\x85", "😀", "İ", "ß", "\x7f",
    "\x1b[2J", "\x00", " ", "\u00a0", "~", "*", "?", "!", "x" * 300, "y" * 70_000,
)  # fmt: skip


def texts(canary: Path) -> list[str]:
    """Return the texts; one that is executed creates the canary."""
    chosen = random.Random(11)
    made = [command.format(canary) for command in COMMANDS]
    made += [*ENDS, *ODD]
    while len(made) < COUNT:
        parts = [
            chosen.choice(ENDS),
            chosen.choice(ODD) if chosen.random() < 0.5 else "",
            chosen.choice(COMMANDS).format(canary),
            chosen.choice(ENDS),
        ]
        made.append("".join(parts))
    return made

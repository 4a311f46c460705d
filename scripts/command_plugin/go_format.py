"""Text formatted as Go does: quoted strings and system errors."""

import os

_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}
_LAST_ASCII = 0x7F
_LAST_SHORT = 0xFFFF


def quote(text: str) -> str:
    r"""Quote a text as Go's %q does.

    >>> quote('echo "a"\n')
    '"echo \\"a\\"\\n"'
    """
    return '"' + "".join(map(_quote_character, text)) + '"'


def _quote_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code <= _LAST_ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"


def system_error(error: OSError) -> str:
    """Return the reason of a failed system call, without naming the call."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "i/o timeout"
    if error.errno is None:
        return str(error)
    text = os.strerror(error.errno)
    return text[:1].lower() + text[1:]

"""What holds for every test."""

import signal


def pytest_configure() -> None:
    """Have SIGINT end what the tests start, as it does in a terminal.

    A shell without job control starts background jobs with SIGINT ignored, and children inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

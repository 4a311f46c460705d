"""When a certificate is about to expire."""

from datetime import UTC, datetime, timedelta

import pytest

from model.pki.ledger import Status, status_of

DAY, YEAR = timedelta(days=1), timedelta(days=365)
END = datetime(2036, 1, 1, tzinfo=UTC)


def judged(
    lifetime: timedelta,
    left: timedelta,
    *,
    is_authority: bool = False,
    **limits: timedelta,
) -> Status:
    return status_of(END - lifetime, END, now=END - left, is_authority=is_authority, **limits)


@pytest.mark.parametrize(
    ("left", "status"),
    [
        # A kubelet may renew its certificate as late as when a tenth of its lifetime is left.
        (37 * DAY, Status.VALID),
        (36 * DAY, Status.EXPIRING),
        (timedelta(0), Status.EXPIRED),
    ],
)
def test_a_leaf_is_expiring_when_nothing_has_renewed_it(left: timedelta, status: Status) -> None:
    assert judged(YEAR, left) is status


@pytest.mark.parametrize(
    ("lifetime", "left", "status"),
    [
        (10 * YEAR, 366 * DAY, Status.VALID),
        (10 * YEAR, YEAR, Status.EXPIRING),
        (YEAR, 122 * DAY, Status.VALID),
        (YEAR, 121 * DAY, Status.EXPIRING),
    ],
)
def test_a_ca_is_expiring_a_year_before_or_in_the_last_third_of_a_short_life(
    lifetime: timedelta, left: timedelta, status: Status
) -> None:
    assert judged(lifetime, left, is_authority=True) is status


def test_a_threshold_replaces_both() -> None:
    assert judged(YEAR, DAY, threshold=timedelta(hours=23)) is Status.VALID
    assert judged(10 * YEAR, 364 * DAY, is_authority=True, threshold=30 * DAY) is Status.VALID
    assert judged(YEAR, DAY, threshold=DAY) is Status.EXPIRING


def test_the_config_says_how_long_before_a_ca_is_reported() -> None:
    month = 30 * DAY
    assert judged(10 * YEAR, 31 * DAY, is_authority=True, warn_before=month) is Status.VALID
    assert judged(10 * YEAR, month, is_authority=True, warn_before=month) is Status.EXPIRING

"""What fails again and again is tried less and less often."""

from ops.watch.backoff import Backoff


def test_each_wait_is_twice_as_long_up_to_the_longest_until_it_works() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.next() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [1.0, 2.0]

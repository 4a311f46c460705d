"""Space that a step needs, in calls as steps make them."""

from pathlib import Path

from tests.node.steps.disk import Disk

MUCH = 1 << 60


def test_space_is_checked_again_after_a_check_for_nothing(tmp_path: Path) -> None:
    """Packages come first, and a host that has them all downloads nothing."""
    ran = Disk(tmp_path).run(
        f'check_space "nothing was installed"; need_space {tmp_path}/new/folder {MUCH} downloads; '
        'check_space "nothing was downloaded"',
        "prepare",
    )
    assert ran.returncode != 0
    assert f"(downloads in {tmp_path}/new/folder); nothing was downloaded" in ran.stderr


def test_each_check_is_for_what_was_added_since_the_last_one(tmp_path: Path) -> None:
    ran = Disk(tmp_path).run(
        f"need_space {tmp_path} 1 tools; check_space one; need_space {tmp_path} {MUCH} images; "
        "check_space two",
        "prepare",
    )
    assert f"(images in {tmp_path}); two" in ran.stderr

"""docs/cis.md is what the recorded cluster says."""

from tests.model.cis import reference


def test_the_document_of_all_items_is_current() -> None:
    assert reference.REFERENCE.read_text() == reference.rendered(), (
        "run `python -m tests.model.cis.reference`"
    )

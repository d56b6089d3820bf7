"""Words for the user, and names in them."""

from __future__ import annotations

import pytest

from napari_unet.words import markdown, reason, shortened


def test_markdown_shows_names_as_they_are():
    assert markdown("a_b [x](y) | <c>") == r"a\_b \[x\](y) \| \<c\>"
    assert markdown("# a\n\n`b` *c*") == r"\# a \`b\` \*c\*"


def test_what_is_long_is_cut():
    assert shortened("a" * 100, 7) == "aaa ..."
    assert shortened("short") == "short"


@pytest.mark.parametrize(
    ("error", "words"),
    [(ValueError("no  such\naxis"), "no such axis"), (EOFError(), "EOFError")],
)
def test_a_reason_is_one_line_and_never_empty(error, words):
    assert reason(error) == words

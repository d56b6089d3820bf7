"""A report holds the figures, the pictures and where they come from."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from napari_unet.errors import InputError
from napari_unet.score.comparison import Comparison
from napari_unet.score.report.page import ReportPage
from napari_unet.score.scoring import score

FACTS = {"Files": {"Ground truth": "cells|a.tif <b>"}}
CURVE = [(0.0, 1.0, None), (1.0, 0.5, 0.8), (2.0, 0.25, 0.9)]


@pytest.fixture
def comparison():
    truth = np.zeros((3, 32, 32), np.uint8)
    truth[:, 2:14, 2:30] = truth[:, 16:30, 2:30] = 1
    prediction = truth.copy()
    prediction[1, 14:16, 2:30] = 1
    return Comparison(prediction, truth, first_slice=24, trained_on=frozenset([2]))


class Tags(HTMLParser):
    """Notes which tags were left open."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], 0

    def handle_starttag(self, tag, attrs):
        self.cells += tag == "td"
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page_of(comparison):
    image = np.random.default_rng(0).integers(0, 255, comparison.truth.shape)
    return ReportPage(score(comparison), comparison, image, FACTS, CURVE)


def test_a_page_is_one_file_that_shows_all_without_others(comparison, tmp_path):
    page_of(comparison).save(tmp_path / "scores.html")
    text = (tmp_path / "scores.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert tags.cells > 100
    assert text.count("data:image/png;base64,") == 2
    # It asks no server for anything.
    assert 'src="http' not in text
    assert "<polyline points=" in text
    # Names of files are no HTML.
    assert "cells|a.tif &lt;b&gt;" in text
    assert "learnt from 1 of the 3 slices" in text
    assert "The worst slice, 25" in text
    assert [path.name for path in tmp_path.iterdir()] == ["scores.html"]


@pytest.mark.parametrize("name", ["my scores.md", "run#2 (50 %, né).md"])
def test_markdown_lies_beside_its_pictures(comparison, tmp_path, name):
    page_of(comparison).save(tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    links = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    assert len(links) == 3
    assert not any(set(" #(") & set(link) for link in links)
    curve = (tmp_path / unquote(links.pop())).read_text(encoding="utf-8")
    assert curve.startswith("<svg xmlns=")
    for link in links:
        with Image.open(tmp_path / unquote(link)) as picture:
            assert picture.size == (32, 32)
    iou = f"{score(comparison).values()['iou']:.4f}"
    assert f"| IoU | {iou} |" in text
    assert "cells\\|a.tif" in text
    # Every row of a table has as many cells as its head.
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(counts) == 1, block


def test_errors_are_drawn_where_they_are(comparison, tmp_path):
    page_of(comparison).save(tmp_path / "scores.md")
    with Image.open(tmp_path / "scores-pictures" / "worst.png") as picture:
        colour = np.asarray(picture)[14:16, 2:30].reshape(-1, 3).mean(axis=0)
    # Orange: predicted, and not there.
    assert colour[0] > colour[1] > colour[2]


def test_one_slice_and_no_image_are_enough(tmp_path):
    truth = np.ones((1, 8, 8), np.uint8)
    comparison = Comparison(np.zeros_like(truth), truth)
    ReportPage(score(comparison), comparison).save(tmp_path / "scores.html")
    assert "The best slice" not in (tmp_path / "scores.html").read_text("utf-8")


def test_other_formats_are_refused_in_a_sentence(comparison, tmp_path):
    with pytest.raises(InputError, match=r"end the name in one"):
        page_of(comparison).save(tmp_path / "scores.pdf")


def test_cells_made_up_on_an_empty_slice_make_it_the_worst(comparison, tmp_path):
    empty = comparison.truth.copy()
    empty[0] = 0
    made_up = Comparison(comparison.truth, empty)
    ReportPage(score(made_up), made_up).save(tmp_path / "scores.html")
    assert "The worst slice, 0" in (tmp_path / "scores.html").read_text("utf-8")

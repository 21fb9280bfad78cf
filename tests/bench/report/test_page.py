from xml.etree import ElementTree as ET

from bench.report.page import render
from tests.bench.samples import EVERYTHING


def test_the_page_needs_nothing_from_elsewhere_and_its_plots_are_well_formed() -> None:
    page = render(EVERYTHING)
    assert "://" not in page
    assert "<script" not in page
    plots = [part.partition("</svg>")[0] + "</svg>" for part in page.split("<svg")[1:]]
    assert plots
    for plot in plots:
        ET.fromstring("<svg" + plot)


def test_the_page_escapes_what_it_is_given() -> None:
    page = render(EVERYTHING)
    assert "a &lt;processor&gt;" in page
    assert "<lost>" not in page

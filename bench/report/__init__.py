"""A report as one self-contained HTML file."""

from bench.report.page import render

__all__ = ["render"]

"""A report as one HTML file that needs nothing from elsewhere."""

from bench.report.page import render

__all__ = ["render"]

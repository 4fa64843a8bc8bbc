"""Imported by every Python that starts with this folder on ``PYTHONPATH``."""

from loopback_only import install  # type: ignore[import-not-found]

install()

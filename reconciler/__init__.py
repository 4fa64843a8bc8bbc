"""Declares, issues, rotates, revokes and proves the credentials of integration clients."""

__version__ = "0.1.0"

"""Receivers on loopback: for ``listen``, and for the tour of ``demo``."""

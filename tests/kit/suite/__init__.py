"""Plugins of the suite and its mutation tests: limits, guards, sums."""

"""Killed commands, full disks, failing servers; and what must be true at any instant."""

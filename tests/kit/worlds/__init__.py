"""Environments in memory and on a real server, runs in them, and who judges what they did."""

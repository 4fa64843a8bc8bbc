"""Strict YAML 1.2 with positions. Nothing here knows what a text declares."""

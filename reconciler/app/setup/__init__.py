"""Vault made ready, and examined."""

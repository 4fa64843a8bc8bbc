"""Webhooks of clients: URLs, payloads, signatures, and the life of their secrets."""

"""Clients, their templates and the scopes they may have."""

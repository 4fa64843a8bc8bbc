"""Stored documents as canonical JSON, and back. Nothing here asks Vault for anything."""

"""``apply``, ``rotate`` and ``revoke``: what changes live state."""

"""``bootstrap``, ``doctor`` and ``trust``: the way to Vault."""

"""``init``, ``dev`` and ``demo``: from nothing to a first client."""

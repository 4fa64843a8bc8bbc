"""``doctor --conformance``: every kind of request that the reconciler makes, tried on a server of
the user's own.

``place`` makes a throw-away environment and removes it, ``trials`` are the requests and what is
expected of them.
"""

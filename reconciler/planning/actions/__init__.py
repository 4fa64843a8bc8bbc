"""Which actions a client needs, in which order and for which reason.

Whether they may happen is up to ``guards``.
"""

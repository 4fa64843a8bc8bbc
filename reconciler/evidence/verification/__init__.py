"""Whether a whole log holds: each entry after the other, then what is derived from them, then what
somebody outside knows of it.

Begin at ``walk.py``. What does not hold is a value, ``Fault``: the first thing only, because
nothing behind it can be trusted.
"""

"""Webhook deliveries as pure rules: what is signed and sent, how an answer is judged, which
addresses may be reached.

What belongs here: signing by the rows of ``reconciler.domain.declared.schemes``, the payload, one
attempt as a generator that yields a request and receives a response. What does not: sockets,
clocks, random numbers and waiting (``reconciler.adapters``).
"""

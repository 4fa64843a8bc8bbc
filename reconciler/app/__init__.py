"""The use cases: what a command, or a call of the library, does from beginning to end.

Here adapters get their place behind the ports of the engine (``wiring``), and what is asked becomes
the question that a plan answers. Nothing here knows click, prints, or reads a variable that it was
not given: variables come as a mapping, and who looks on is a ``Console``.
"""

"""The only places with I/O: Vault, git, files, the clock, webhook deliveries, an OpenBao of one's
own.

What belongs here: implementations of ``reconciler.engine.ports`` and the mapping of foreign
exceptions to ``reconciler.errors``. What does not: any decision about a client.
"""

"""The command line: a few lines a command. What a command needs is put together in ``wiring``
alone.

Only click is imported at the top of these modules; everything else is imported inside a command, so
that ``--help`` answers at once.
"""

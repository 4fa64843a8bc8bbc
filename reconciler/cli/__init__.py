"""The command line: click, and a few lines a command. What a command does is in ``app``; here are
its options, what it prints and its exit code.

Only click is imported at the top of these modules; everything else is imported inside a command, so
that ``--help`` answers at once.
"""

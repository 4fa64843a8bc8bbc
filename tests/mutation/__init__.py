"""Generated mutants of all of ``reconciler``: a seeded sample, and how many of them the tests
notice.

``make mutants ROOM=vault COUNT=40`` draws, runs and prints; docs/reliability.md says what the
figure means. (``tests/kit/suite/mutants.py`` is something else: safeguards chosen by hand, each of which
must be noticed.)
"""

"""Whether a commit may be believed, decided over facts about its history.

What belongs here: which keys count, and when they must be valid. What does not: git, ssh-keygen and
the platform, which ``reconciler.adapters.trust`` asks.
"""

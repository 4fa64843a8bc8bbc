"""One look at an environment: all that is read of Vault before a plan is made.

Nothing here writes.
"""

"""What an environment needs before its first plan: mounts, policies, roles, ``meta``; and what is
wrong with it."""

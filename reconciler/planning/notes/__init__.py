"""What a plan or a run reports besides its actions: drift, leftovers, alerts for owners.

Nothing here blocks.
"""

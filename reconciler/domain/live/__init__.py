"""What is there: records of clients, what Vault reports, how the state of a version changes."""

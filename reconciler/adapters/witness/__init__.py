"""The files of a witness: its private key, and what it saw last."""

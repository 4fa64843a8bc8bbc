"""Receivers, certificates, addresses, independent verifiers: all that deliveries meet."""

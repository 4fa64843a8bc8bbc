"""Deliveries received on loopback: with which secrets, of which scheme."""

"""Test deliveries that were sent, and deliveries that were received: for people and for
programs."""

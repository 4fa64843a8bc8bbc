"""Evidence logs of one's own, and judges of them that others wrote."""

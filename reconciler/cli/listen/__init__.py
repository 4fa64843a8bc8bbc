"""``listen``: receives deliveries on loopback and shows whether they are genuine."""

"""A webhook proves itself: what is sent to it, how its answers are judged."""

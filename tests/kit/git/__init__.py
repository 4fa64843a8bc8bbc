"""Real git repositories, and a user's checkout with the command line run in it."""

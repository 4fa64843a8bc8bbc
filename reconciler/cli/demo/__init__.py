"""The tour of ``demo``: it runs the commands a user would type and checks the state of the world
after each."""

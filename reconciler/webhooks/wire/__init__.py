"""What goes over the network and where it may go: addresses, requests, answers."""

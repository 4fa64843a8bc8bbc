"""Values that know nothing of clients: text, time, names, networks, canonical JSON."""

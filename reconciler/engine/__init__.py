"""One pass over a desired state: the ports it needs, the executor that drives the protocol, the
run."""

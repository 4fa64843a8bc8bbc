"""Programs that tests start: the command line, Debian's and npm's packages. None outlives a test."""

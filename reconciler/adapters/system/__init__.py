"""The operating system: signals, programs, files, memory, randomness."""

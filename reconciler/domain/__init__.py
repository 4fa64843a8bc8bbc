"""The words of the project as frozen values: no I/O, no clock, no third-party library.

What belongs here: what a declaration, a record, an observation and a plan *are*. What does not:
how any of them is read, decided or written.
"""

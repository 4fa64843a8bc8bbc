"""What a run did: on the terminal, in the audit report, in alerts."""

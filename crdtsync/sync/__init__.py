"""The steps of a sync, the round, and the agent: the only I/O on a remote."""

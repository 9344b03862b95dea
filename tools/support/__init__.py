"""Real parts that tests and tools share: a JACK server with players, sessions made by hand."""

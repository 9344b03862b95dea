"""One session without its threads: what sounds when, live and offline."""

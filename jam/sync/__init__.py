"""In time with others: where the beat comes from, when it isn't the program's own."""

"""Keys: the table of actions, and the letters that play."""

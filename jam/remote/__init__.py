"""The agent on a server, as seen from the player's machine: the protocol, and its client."""

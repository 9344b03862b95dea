"""What the commands of the command line do; `jam.cli` chooses one and gives it the agent's mind."""

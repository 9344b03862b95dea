"""What plans: the protocol of anticipation, the rules, and the agent's process."""

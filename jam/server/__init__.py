"""A server of agents: many players' jams on one machine, or on several."""

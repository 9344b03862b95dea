"""Readers of corpora and of a user's own songs, each to the same `LeadSheet`."""

"""Measures, and the players that are measured."""

"""The settings, their panels, and how they are kept."""

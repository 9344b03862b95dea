"""The page Jam: bar, waterfall, chord lane."""

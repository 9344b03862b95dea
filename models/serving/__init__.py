"""Many jams on one machine: their plans are made side by side, their networks computed together."""

"""What the house looks like: rooms, circles of imports, and the way of a note through the files."""

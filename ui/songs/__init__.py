"""Songs in the window: the one that is played, its bars to be written, the list, *Keep*."""

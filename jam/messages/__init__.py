"""What processes and threads hand on to each other: frozen and picklable."""

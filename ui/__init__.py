"""The Qt window. It draws the newest `Snapshot` and sends commands; no note passes through it."""

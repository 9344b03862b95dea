"""The stage's process: devices, scheduler, transport, and its loop."""

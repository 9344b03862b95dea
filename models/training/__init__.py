"""Every stage of training, each a command."""

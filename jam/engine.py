"""The parent's end: starts stage and agent, keeps them alive, hands commands and snapshots on."""

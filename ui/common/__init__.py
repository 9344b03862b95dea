"""What both pages and all panels use."""

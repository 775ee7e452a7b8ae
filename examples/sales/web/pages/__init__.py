"""What a workstation shows, one module for each kind of page."""

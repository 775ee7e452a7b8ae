"""The sales application in a real browser: an office and two workstations as a person meets them."""

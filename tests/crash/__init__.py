"""`kill -9` in a loop: applications and agents die at any point, and nothing acknowledged is lost."""

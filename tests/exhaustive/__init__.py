"""Small cases, all of them: every order, every step at which a process can die, every call that can fail."""

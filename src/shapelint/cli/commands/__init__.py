"""One module a command: its description, its arguments, and what it does."""

"""Sources: bytes become a graph, and every position in a user's file is born here."""

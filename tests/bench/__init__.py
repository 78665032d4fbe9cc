"""How fast the course answers, each figure against a named alternative measured in the same run."""

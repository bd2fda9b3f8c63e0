"""How good the generated sounds are: scores, pure functions of arrays."""

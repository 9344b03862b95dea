"""Practice: what was played, told; songs in loops; tempo that rises; ear and keys."""

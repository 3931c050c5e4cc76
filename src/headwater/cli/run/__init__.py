"""`headwater run -- PROGRAM`: AWS's own endpoints, as they stand in a program's code, reach Headwater: for it and what it starts alone."""

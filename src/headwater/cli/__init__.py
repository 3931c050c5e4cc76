"""`headwater ...`: the program on the command line."""

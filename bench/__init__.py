"""What Headwater costs, beside two programs that answer the same calls: `make bench`."""

"""One adapter per real program: find it, start it, watch it, stop it. Knows no AWS API."""

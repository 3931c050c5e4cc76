"""The HTTP server: the walk of one request. Does not know what a service does."""

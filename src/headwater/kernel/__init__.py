"""What every room is built from: Service, Context, Store, Clock, Jobs, Bus and the in-process Client. Knows no particular service."""

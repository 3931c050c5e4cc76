"""One room per AWS service; a room talks to another only as a client does."""

"""The Store: a journal first, SQLite behind it. What was acknowledged survives `kill -9`.

A transaction is one entry appended to the journal, with one `write`, before its block ends; a filler thread carries
entries into SQLite (one file a service) in batches, and the position it reached is part of the same SQLite transaction.
After a crash the rest of the journal is replayed. Small tables are served from memory, big ones from the entries that
the filler has not carried yet, then from SQLite.

The one thing easy to get wrong: nothing between the journal's `write` and the change in memory may await.
"""

from headwater.kernel.store.store import Store, Transaction
from headwater.kernel.store.table import Record, Table

__all__ = ["Record", "Store", "Table", "Transaction"]

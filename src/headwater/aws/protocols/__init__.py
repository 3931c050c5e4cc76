"""The wire protocols, each as functions that compile a shape into a closure: trees (JSON, CBOR), XML, forms, and what REST binds."""

"""Lambda functions called from SQL in MariaDB: the C library (lambda.c), how it is built and found, and the door that it knocks at."""

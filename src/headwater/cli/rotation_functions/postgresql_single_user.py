"""The function that rotates a credential of PostgreSQL, one user."""

import postgresql
import single_user
from rotation import handler

lambda_handler = handler(single_user, postgresql)

"""The function that rotates a credential of PostgreSQL, two users in turn."""

import alternating_users
import postgresql
from rotation import handler

lambda_handler = handler(alternating_users, postgresql)

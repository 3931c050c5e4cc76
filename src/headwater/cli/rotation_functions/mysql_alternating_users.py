"""The function that rotates a credential of MySQL, two users in turn."""

import alternating_users
import mysql
from rotation import handler

lambda_handler = handler(alternating_users, mysql)

"""The function that rotates a credential of MySQL, one user."""

import mysql
import single_user
from rotation import handler

lambda_handler = handler(single_user, mysql)

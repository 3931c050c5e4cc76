"""What the post's developers want: rows of their MySQL instance, read by a Lambda function."""

import os

import pymysql


def handler(event, context):
    connection = pymysql.connect(
        host=os.environ["DB_HOST"], port=int(os.environ["DB_PORT"]), user=os.environ["DB_USER"], password=os.environ["DB_PASSWORD"]
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT city, region FROM towns.towns ORDER BY city")
        return [list(row) for row in cursor.fetchall()]

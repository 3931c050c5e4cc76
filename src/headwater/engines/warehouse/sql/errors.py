"""The one exception a statement ends in, with the SQLSTATE and the words that Redshift would use."""


class SqlError(Exception):
    """A refusal as the PostgreSQL wire says it. `position` counts characters of the statement, from 1."""

    def __init__(
        self, sqlstate: str, message: str, detail: str | None = None, hint: str | None = None, position: int | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint
        self.position = position

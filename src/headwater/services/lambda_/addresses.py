"""What is kept of function URLs, and how one is found by the first word of its host."""

from datetime import datetime
from typing import Any, Final

from headwater.kernel.store import Record, Store, Table, Transaction


class FunctionUrl(Record, frozen=True, kw_only=True):
    """`qualifier` is an alias, or "" for the function itself."""

    account: str
    region: str
    function: str
    qualifier: str
    id: str
    auth_type: str
    created_at: datetime
    modified_at: datetime
    cors: dict[str, Any] | None = None
    invoke_mode: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.account, self.region, self.function, self.qualifier)

    @property
    def function_arn(self) -> str:
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"
        return f"{arn}:{self.qualifier}" if self.qualifier else arn


class UrlId(Record, frozen=True, kw_only=True):
    """Whose an id is: ids are of one space for all accounts."""

    id: str
    url: tuple[str, str, str, str]


URLS: Final = Table("lambda", "urls", FunctionUrl, key=lambda url: url.key)
URL_IDS: Final = Table("lambda", "url_ids", UrlId, key=lambda url: (url.id,))


def url_of(store: Store, id: str) -> FunctionUrl | None:  # noqa: A002 - what it is called in a host's name
    known = store.get(URL_IDS, id)
    return None if known is None else store.get(URLS, *known.url)


def drop_urls(store: Store, tx: Transaction, key: tuple[str, str, str], qualifier: str | None = None) -> None:
    """A function is deleted, or one alias of it."""
    for url in store.scan(URLS, *key):
        if qualifier is None or url.qualifier == qualifier:
            drop(tx, url)


def drop(tx: Transaction, url: FunctionUrl) -> None:
    tx.delete(URLS, *url.key)
    tx.delete(URL_IDS, url.id)

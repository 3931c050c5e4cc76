"""The database users of a cluster: the master user, and those whom temporary credentials have made. Kept beside the data.

A user who was made stays when the credentials have ended, as on AWS. Source: GetClusterCredentials, `AutoCreate`.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from headwater.engines.warehouse.sql.errors import SqlError
from headwater.services.redshift.charter import Charter, Login

FILE: Final = "users.json"
ROOT_USER: Final = "IAM:root"
"""Whom the account's root becomes in the database; it may do everything there as well."""


class Users:
    """Names, and whether each is a superuser. Used from many threads."""

    def __init__(self, folder: Path, charter: Charter) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        made = msgspec.json.decode(self._path.read_bytes(), type=dict[str, bool]) if self._path.exists() else {}
        self._known = {charter.master_user: True} | made

    @property
    def known(self) -> Mapping[str, bool]:
        with self._lock:
            return dict(self._known)

    def admit(self, login: Login, name: str) -> bool:
        """Whether the user is new. Raises what a login as somebody unknown ends in."""
        with self._lock:
            if login.db_user in self._known:
                return False
            if not login.auto_create:
                raise SqlError("28000", f'user "{name}" does not exist')
            self._known[login.db_user] = login.db_user == ROOT_USER
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(self._known))
            fresh.replace(self._path)
            return True

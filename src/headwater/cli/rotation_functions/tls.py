"""Whether to speak TLS, as the secret's `ssl` says: without it TLS is tried first, and a server that has none is spoken to plainly.

The authorities are where Amazon Linux has them. The server must be the one that its certificate names.
"""

import functools
import ssl
from typing import Any

AUTHORITIES = "/etc/pki/tls/cert.pem"


class NoTls(Exception):
    """The server has no TLS, or a certificate that is not believed."""


def attempts(values: dict[str, Any]) -> tuple[bool, ...]:
    """TLS or not, in the order in which they are to be tried."""
    wanted = str(values.get("ssl", "")).lower()
    return {"true": (True,), "false": (False,)}.get(wanted, (True, False))


@functools.cache
def context() -> ssl.SSLContext:
    """Read once: a bundle has hundreds of certificates."""
    return ssl.create_default_context(cafile=AUTHORITIES)

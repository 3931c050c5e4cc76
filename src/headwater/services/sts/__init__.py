"""AWS STS: temporary credentials, and the answer to "who am I?". Real here: the credentials work at once at the gateway.

A session token carries its principal and its expiry, signed by the home; nothing is stored, and nothing can be forgotten.
Not built: SAML and web identities, MFA, encoded authorization messages (there is no enforcement to explain yet).
"""

from headwater.kernel.service import Service

SERVICE = Service("sts")

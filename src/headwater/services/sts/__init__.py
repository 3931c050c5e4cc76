"""AWS STS: temporary credentials, and the answer to "who am I?". Real here: the credentials work at once at the gateway.

A session token carries its principal and its expiry, its policies, tags and source identity, signed by the home; nothing is
stored, and nothing can be forgotten. Identity tokens and SAML responses are checked with the keys of the provider that an account
registered. Not built: AssumeRoot, GetWebIdentityToken, GetDelegatedAccessToken.
"""

from headwater.kernel.service import Service

SERVICE = Service("sts")

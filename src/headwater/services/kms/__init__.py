"""KMS: keys that never leave, and what is done with them. Real: all cryptography, rotation, deletion, imported material, grants.

A ciphertext says by itself which key and which of the key's materials made it, and cannot be changed without being noticed. Key
material lies on disk sealed under the home's root key; it is opened once and remembered in memory.
Not built: custom key stores, Nitro enclaves as recipients, SM2 (which AWS has in China alone).
"""

from headwater.kernel.service import Service

SERVICE = Service("kms")

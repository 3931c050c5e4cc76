"""Metadata that is not ASCII, as S3 writes it into a header: one encoded word of RFC 2047.

The recorded answer (test_put_unicode_metadata_with_sig_s3) and the example of "Working with object metadata" differ in their
encoding: what is mostly ASCII is quoted (Q), anything else is base64 (B).
"""

from base64 import b64encode


def mime_word(text: str) -> str:
    """`text` itself where it is ASCII that a header can hold, else an encoded word of its UTF-8."""
    if text.isascii() and text.isprintable():
        return text
    content = text.encode("utf-8", "surrogatepass")
    plain = sum(character.isascii() and character.isprintable() for character in text)
    if plain <= len(text) - plain:
        return f"=?UTF-8?B?{b64encode(content).decode('ascii')}?="
    return f"=?UTF-8?Q?{''.join(map(_quoted, content))}?="


def _quoted(byte: int) -> str:
    if byte == ord(" "):
        return "_"
    return chr(byte) if 0x20 < byte < 0x7F and chr(byte) not in "=?_" else f"={byte:02X}"

"""A codec for files that were UTF-8, taken for Windows-1252, and stored as UTF-8 again: they show "MÃ¼ller"."""

from __future__ import annotations

import codecs
from typing import Any

TWICE = "utf-8-twice"
# The bytes of signs that Latin-1 lacks. Five bytes stand for nothing in Windows-1252; programs keep them as they are.
_BYTES = str.maketrans({sign: byte for byte in range(0x80, 0xA0) for sign in bytes([byte]).decode("cp1252", "ignore")})


class _Decoder(codecs.IncrementalDecoder):
    """Undoes both in turn; each keeps what a chunk cuts in the middle of a letter."""

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._outer = codecs.getincrementaldecoder("utf-8-sig")(errors)
        self._inner = codecs.getincrementaldecoder("utf-8")(errors)

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]
        """The letters that these bytes complete."""
        outer = self._outer.decode(input, final).translate(_BYTES)
        try:
            inner = outer.encode("latin-1", "strict" if self.errors == "strict" else "ignore")
        except UnicodeEncodeError as error:
            sign = outer[error.start].encode(errors="replace")
            raise UnicodeDecodeError(TWICE, sign, 0, 1, "no byte of Windows-1252") from error
        return self._inner.decode(inner, final)

    def reset(self) -> None:
        """Forget what a chunk left over."""
        self._outer.reset()
        self._inner.reset()


class _Encoder(codecs.IncrementalEncoder):
    """Readers of text ask for one; nothing is written so."""

    def encode(self, input: str, final: bool = False) -> bytes:
        """Refuses."""
        return _encode(input)[0]


def _decode(content: Any, errors: str = "strict", /) -> tuple[str, int]:
    return _Decoder(errors).decode(bytes(content), final=True), len(content)


def _encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
    raise UnicodeEncodeError(TWICE, text, 0, 1, "files are only read so")


def _search(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != TWICE:
        return None
    return codecs.CodecInfo(_encode, _decode, incrementalencoder=_Encoder, incrementaldecoder=_Decoder, name=TWICE)


codecs.register(_search)

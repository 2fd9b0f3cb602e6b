"""A codec for files that were UTF-8, taken for Windows-1252, and stored as UTF-8 again: they show "MÃ¼ller"."""

from __future__ import annotations

import codecs
from typing import Any

TWICE = "utf-8-twice"


class _Decoder(codecs.IncrementalDecoder):
    """Undoes both in turn; each keeps what a chunk cuts in the middle of a letter."""

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._outer = codecs.getincrementaldecoder("utf-8-sig")(errors)
        self._inner = codecs.getincrementaldecoder("utf-8")(errors)

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]
        """The letters that these bytes complete."""
        inner = b"".join(self._byte(sign) for sign in self._outer.decode(input, final))
        return self._inner.decode(inner, final)

    def reset(self) -> None:
        """Forget what a chunk left over."""
        self._outer.reset()
        self._inner.reset()

    def _byte(self, sign: str) -> bytes:
        try:
            return sign.encode("cp1252")
        except UnicodeEncodeError:
            # Five bytes stand for nothing in Windows-1252; programs keep them as they are.
            if ord(sign) < 256:
                return bytes([ord(sign)])
        if self.errors == "strict":
            raise UnicodeDecodeError(TWICE, sign.encode(errors="replace"), 0, 1, "no byte of Windows-1252")
        return b""


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

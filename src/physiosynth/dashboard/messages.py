"""What the page may say of an error: visitors are told what is wrong, not how the server is laid out."""

from __future__ import annotations

import re

from physiosynth.dashboard.settings import settings

# A folder in front of a name. The name stays: it says which file is meant.
_FOLDERS = re.compile(r"(?<![\w/.:])(?:[A-Za-z]:)?[\\/](?:[^\s\\/:;,'\"()<>|]+[\\/])+(?=[^\s\\/:;,'\"()<>|])")
# Who logs in, and what follows a question mark, may be secrets.
_URL = re.compile(r"(\w+://)(?:[^\s/@]*@)?([^\s?#]*)(?:[?#]\S*)?")


def for_visitors(text: str) -> str:
    """The text without secrets of URLs and, where visitors may not name paths, without folders of the server."""
    text = _URL.sub(r"\1\2", text)
    if settings().paths:
        return text
    return " ".join(_without_folders(word) for word in text.split(" "))


def literally(text: str) -> str:
    """The text for a field that takes Markdown: what a stranger's file is called or holds is shown and does nothing."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$:&-])", r"\\\1", text)


def _without_folders(word: str) -> str:
    return word if "://" in word else _FOLDERS.sub("", word)

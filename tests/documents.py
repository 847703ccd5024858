"""Tables of the tests in the documents: written anew between two marks."""

import re
from pathlib import Path


def put_between(document: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between the marks `begin` and `end` of a document."""
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    content = re.sub(
        pattern, lambda _: f"{begin}\n{text}\n{end}", document.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    document.write_text(content, encoding="utf-8")

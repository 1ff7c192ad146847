"""The documentation as a site of static pages: `python -m scripts.site [FOLDER]`, else var/docs.

`FOLDER/pages` gets the pages, at the places that they have here, so that their links hold;
`FOLDER/site` is the site. A link to what is no page (a source, a folder of tests) is for readers of
the repository: on the site its words stand there, without the link.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "docs" / "zensical.toml"
#: These lead to all that is on the site.
ENTRANCES = (ROOT / "README.md", ROOT / "docs" / "index.md")
#: What is on it.
PAGE, PICTURES = ".md", {".png", ".svg"}

_LINK = re.compile(r"\[(?P<words>[^\]]*)\]\((?P<target>[^)\s#]+)(?:#[^)\s]*)?\)")


def contents() -> dict[Path, bytes]:
    """Every page and picture of the site, by its path from the repository's root."""
    found: dict[Path, bytes] = {}
    waiting = list(ENTRANCES)
    while waiting:
        file = waiting.pop()
        place = file.relative_to(ROOT)
        if place in found:
            continue
        found[place] = file.read_bytes()
        if file.suffix == PAGE:
            text = file.read_text(encoding="utf-8")
            found[place] = _for_site(file, text).encode()
            targets = (_target(file, link) for link in _LINK.finditer(text))
            waiting += [each for each in targets if each.is_file() and _is_shown(each)]
    return found


def build(folder: Path, files: Mapping[Path, bytes]) -> int:
    """Build it of these files; the exit code of the tool: not 0 where a link is broken."""
    shutil.rmtree(folder, ignore_errors=True)
    for place, content in files.items():
        file = folder / "pages" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    shutil.copy(CONFIG, folder)
    tool = [sys.executable, "-m", "zensical", "build", "--strict"]
    return subprocess.run(tool, cwd=folder, check=False).returncode


def _for_site(page: Path, text: str) -> str:
    def shown(link: re.Match[str]) -> str:
        target = _target(page, link)
        return link["words"] if target.exists() and not _is_shown(target) else link[0]

    return _LINK.sub(shown, text)


def _target(page: Path, link: re.Match[str]) -> Path:
    return (page.parent / link["target"]).resolve()


def _is_shown(file: Path) -> bool:
    return file.suffix in {PAGE, *PICTURES}


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "docs", contents()))

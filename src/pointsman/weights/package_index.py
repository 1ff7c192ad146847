"""Where a registry package lies, asked of the user's own pip: it knows the mirrors and proxies."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from pointsman.errors import ConfigError

_USAGE_ERROR = 2


class _DownloadInfo(msgspec.Struct):
    url: str


class _Install(msgspec.Struct):
    download_info: _DownloadInfo


class _Report(msgspec.Struct):
    install: list[_Install]


def wheel_url(package: str, version: str, *, python: str = sys.executable) -> str:
    """The URL (https, http or file) of the package's wheel, from the pip of `python`.

    Raises ConfigError.

    From pip 25.3 on nothing but metadata is downloaded for this; an older pip fetches the wheel
    into its cache first.
    """
    requirement = f"{package}=={version}"
    # fast-deps reads metadata by ranges where the index does not serve it apart. It is called an
    # experiment: a pip that no longer knows it says so with a usage error.
    pip = _pip(python, "--use-feature=fast-deps", requirement)
    if pip.returncode == _USAGE_ERROR:
        pip = _pip(python, requirement)
    if pip.returncode:
        raise ConfigError(f"pip can't find {requirement}: {_reason(pip.stderr)}")
    try:
        report = msgspec.json.decode(pip.stdout, type=_Report)
        return report.install[0].download_info.url
    except (msgspec.DecodeError, IndexError) as error:
        raise ConfigError(f"pip does not say where {requirement} is: {error}") from error


def _pip(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = "--dry-run --no-deps --ignore-installed --only-binary=:all: --no-input --quiet"
    return subprocess.run(  # noqa: S603 - package and version are ours, from the catalogue
        [python, "-m", "pip", "install", *options.split(), "--report=-", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def _reason(errors: str) -> str:
    """The last thing that pip calls an error, in one line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if not lines or "No module named pip" in lines[-1]:
        return (
            "pip is not installed here; run: python -m ensurepip, or pip install 'pointsman[local]'"
        )
    return (said or lines)[-1]

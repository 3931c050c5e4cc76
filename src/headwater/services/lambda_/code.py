"""Code on the disk: an uploaded archive, checked and unpacked once, under the hash of its bytes.

`lambda/code/<hash>.zip` is the archive as it came, `lambda/code/<hash>/` what it holds. Both are complete before they get their
names, and they get their names before the operation answers, so that a kill leaves either nothing or all of it. The same bytes
uploaded twice are kept once. An archive is somebody's: paths that escape, links that lead out, and more bytes than are allowed
are refused before anything is written.
"""

import base64
import hashlib
import os
import shutil
import stat
import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from headwater.aws.faults import fault

from .names import invalid

ZIP_BYTES_MAX: Final = 52_428_800
UNZIPPED_BYTES_MAX: Final = 262_144_000
REQUEST_BYTES_MAX: Final = 70_167_211
_UNREADABLE: Final = "Could not unzip uploaded file. Please check your file, then try to upload again."


def sha256_of(archive: bytes) -> str:
    return base64.b64encode(hashlib.sha256(archive).digest()).decode()


def folder_of(root: Path, sha256: str) -> Path:
    """Where the code with this CodeSha256 (base64, as AWS writes it) is unpacked."""
    return root / "code" / base64.b64decode(sha256).hex()


def archive_of(root: Path, sha256: str) -> Path:
    return folder_of(root, sha256).with_suffix(".zip")


def keep(root: Path, archive: bytes, bytes_max: int = ZIP_BYTES_MAX) -> str:
    """Check, unpack and keep an archive; its hash. Blocking: for a thread."""
    if len(archive) > bytes_max:
        raise fault("RequestEntityTooLargeException", f"Zipped size must be smaller than {bytes_max} bytes")
    sha256 = sha256_of(archive)
    folder = folder_of(root, sha256)
    if folder.is_dir():
        return sha256
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_suffix(f".{os.getpid()}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir()
        _unpack(archive, fresh)
        packed = fresh.with_suffix(".zip.new")
        packed.write_bytes(archive)
        packed.replace(archive_of(root, sha256))
        fresh.replace(folder)  # last: its presence says that all is there
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sha256


def drop(root: Path, sha256: str) -> None:
    """Nobody names this code any more. Blocking: for a thread."""
    shutil.rmtree(folder_of(root, sha256), ignore_errors=True)
    archive_of(root, sha256).unlink(missing_ok=True)


def merged(root: Path, layers: list[str]) -> Path:
    """One folder with the content of several layers, later ones over earlier ones; made once for each such list. Blocking."""
    if len(layers) == 1:
        return folder_of(root, layers[0])
    folder = root / "opt" / hashlib.sha256("\n".join(layers).encode()).hexdigest()
    if folder.is_dir():
        return folder
    fresh = folder.with_suffix(f".{os.getpid()}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for layer in layers:
        shutil.copytree(folder_of(root, layer), fresh, symlinks=True, dirs_exist_ok=True)
    fresh.replace(folder)
    return folder


def _unpack(archive: bytes, folder: Path) -> None:
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            entries = opened.infolist()
            if not entries:
                raise invalid("Uploaded file must be a non-empty zip")
            if sum(entry.file_size for entry in entries) > UNZIPPED_BYTES_MAX:
                raise invalid(f"Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes")
            links = [entry for entry in entries if _is_link(entry)]
            for entry in entries:
                if entry not in links:
                    _write(opened, entry, folder)
            for entry in links:  # last, so that nothing is written through one
                _link(opened.read(entry).decode(), entry, folder)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise invalid(_UNREADABLE) from error


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    path = _inside(folder, entry.filename)
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, path.open("wb") as target:
        left = entry.file_size
        while chunk := source.read(min(1 << 20, left + 1)):  # no more than was announced: that was what has been checked
            left -= len(chunk)
            if left < 0:
                raise ValueError("an entry is longer than it says")
            target.write(chunk)
    path.chmod(stat.S_IMODE(entry.external_attr >> 16) & 0o755 | 0o644)


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        raise ValueError(f"{name!r} leads out of the archive")
    return folder.joinpath(*parts)


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _link(target: str, entry: zipfile.ZipInfo, folder: Path) -> None:
    """A link within the archive (shared libraries have them) is kept; one that leads out refuses the archive."""
    path = _inside(folder, entry.filename)
    path.parent.mkdir(parents=True, exist_ok=True)
    reached = os.path.normpath(path.parent.resolve() / target)  # resolved: an earlier link may have moved where `..` leads
    if target.startswith("/") or not Path(reached).is_relative_to(folder.resolve()):
        raise ValueError(f"the link {entry.filename!r} leads out of the archive")
    path.symlink_to(target)

"""A home: the folder that is a person's account on this computer, and the state folder beside it.

    HOME/seed           the account's 32 random bytes, as 64 hex letters: who has it unlocked is the account
    HOME/feed.key       this install's feed key and device key
    HOME/p2pmicro.db    the log and the views
    HOME/media/         pictures, by their hashes
    HOME/node.lock      held by the running node
    HOME/wake           the running node's local socket
    STATE/*.mark        high-water marks, outside the home on purpose: a copied home does not have them

Everything is for its owner alone (0700, 0600).
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigError, StoreDamagedError, StoreFullError, StoreReadOnlyError
from ..ids import AccountId, FeedId
from ..keys import SEED_BYTES, PrivateKey, account_key
from ..store.lock import FileLock

HOME_VARIABLE = "P2PMICRO_HOME"
STATE_VARIABLE = "P2PMICRO_STATE"


@dataclass(frozen=True, slots=True)
class Home:
    """Where things are; nothing has been opened or made yet."""

    path: Path
    state: Path

    @property
    def seed(self) -> Path:
        """The account's seed."""
        return self.path / "seed"

    @property
    def feed_key(self) -> Path:
        """This install's keys."""
        return self.path / "feed.key"

    @property
    def database(self) -> Path:
        """The log and the views."""
        return self.path / "p2pmicro.db"

    @property
    def media(self) -> Path:
        """Pictures, by their hashes."""
        return self.path / "media"

    @property
    def node_lock(self) -> Path:
        """Held by the running node."""
        return self.path / "node.lock"

    @property
    def wake(self) -> Path:
        """The running node's local socket."""
        return self.path / "wake"


@dataclass(frozen=True, slots=True)
class Keys:
    """What makes this install able to write."""

    seed: bytes = field(repr=False)  # 32 bytes
    account: PrivateKey
    feed: PrivateKey
    device: bytes = field(repr=False)  # 32 secret bytes, X25519

    @property
    def account_id(self) -> AccountId:
        """The account."""
        return AccountId(self.account.public)

    @property
    def feed_id(self) -> FeedId:
        """This install's feed."""
        return FeedId(self.feed.public)


def find_home(path: str | os.PathLike[str] | None = None, state: str | os.PathLike[str] | None = None) -> Home:
    """Where the home is: as named, as the environment says, or the platform's data and state folders."""
    path = path or os.environ.get(HOME_VARIABLE)
    state = state or os.environ.get(STATE_VARIABLE)
    if not path or not state:
        import platformdirs  # not needed by those who name both

        path = path or platformdirs.user_data_dir("p2pmicro", appauthor=False)
        state = state or platformdirs.user_state_dir("p2pmicro", appauthor=False)
    found = Home(Path(path).expanduser().absolute(), Path(state).expanduser().absolute())
    for folder in (found.path, found.state):
        try:
            str(folder).encode()
        except UnicodeEncodeError:  # SQLite takes names as UTF-8
            raise ConfigError(f"The name of the folder {str(folder)!r} is not UTF-8 text: name another one.") from None
    return found


def prepare(home: Home, *, create: bool) -> bool:
    """Make the folders, or check that the home that is there is this user's.

    Returns: whether there is an account in it.
    Raises:
        ConfigError: nothing is there and `create` is false; not a folder; another user's.
        StoreReadOnlyError, StoreFullError: it can't be made.
    """
    if not create and not home.seed.exists():
        if home.path.exists() and not home.path.is_dir():
            raise ConfigError(f"{home.path} is not a folder: name another --home.")
        if home.path.exists() and not os.access(home.path, os.R_OK | os.X_OK):
            raise ConfigError(f"{home.path} can't be read: it belongs to another user, or its mode forbids it.")
        raise ConfigError(f"There is no account in {home.path}: make one with `p2pmicro init`, or name another --home.")
    for folder in (home.path, home.state):
        with _sentences(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.stat()
        if os.name == "posix" and found.st_uid != os.geteuid():
            raise ConfigError(f"{folder} belongs to another user: use a folder of your own.")
    if os.name == "posix" and stat.S_IMODE(home.path.stat().st_mode) & 0o077:
        with _sentences(home.path):
            home.path.chmod(0o700)
    return home.seed.exists()


def keys_lock(home: Home) -> FileLock:
    """Held while keys are made or replaced, so that two programs do not make two accounts."""
    return FileLock(home.path / "keys.lock")


def make_seed(home: Home, seed: bytes | None = None) -> None:
    """Write a new account's seed: random, or one that recovery words gave."""
    _write_secret(home.seed, (seed or secrets.token_bytes(SEED_BYTES)).hex() + "\n")


def make_feed_keys(home: Home) -> None:
    """Write new keys of this install, in place of the ones there: the former feed is not written to any more."""
    _write_secret(home.feed_key, f"feed {secrets.token_hex(32)}\ndevice {secrets.token_hex(32)}\n")


def load_keys(home: Home) -> Keys:
    """Read the seed and this install's keys.

    Raises:
        ConfigError: a key file that others can read, or that is not there.
        StoreDamagedError: one that can't be understood.
    """
    seed = _read_hex(home.seed, _read_secret(home.seed).strip())
    lines = dict(line.partition(" ")[::2] for line in _read_secret(home.feed_key).splitlines())
    feed, device = (_read_hex(home.feed_key, lines.get(name, "")) for name in ("feed", "device"))
    return Keys(seed, account_key(seed), PrivateKey(feed), device)


def _read_hex(path: Path, text: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise StoreDamagedError(f"The key file {path} is damaged: bring it back from a copy, or use your 24 words.")
    return secret


def _read_secret(path: Path) -> str:
    try:
        found = path.stat()
        # L15: what others could read may have been read.
        if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
            raise ConfigError(f"Others can read the key file {path}: run `chmod 600 {path}` if you trust them all.")
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise ConfigError(
            f"The key file {path} is missing: bring it back from a copy, or use another --home."
        ) from None
    except PermissionError:
        raise ConfigError(f"The key file {path} can't be read: it belongs to another user.") from None
    except UnicodeDecodeError:
        raise StoreDamagedError(f"The key file {path} is damaged: bring it back from a copy.") from None


def _write_secret(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all, and on the disk when this returns."""
    draft = path.with_name(path.name + ".new")
    with _sentences(path):
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(file, text.encode("ascii"))
            os.fsync(file)
        finally:
            os.close(file)
        draft.replace(path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn the system's errors into sentences."""
    try:
        yield
    except PermissionError:
        raise StoreReadOnlyError(
            f"{path} can't be written: make it writable for you, or name another --home."
        ) from None
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"{path} is not a folder: name another --home.") from None
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise StoreFullError(f"The disk of {path} is full: free some room and try again.") from None
        if error.errno == 30:  # EROFS
            raise StoreReadOnlyError(f"{path} can be read and not written: name another --home.") from None
        raise ConfigError(f"{path} can't be used: {error.strerror}.") from None

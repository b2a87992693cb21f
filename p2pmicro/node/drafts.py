"""What a person has begun to write. Nothing of it leaves this home before it is posted."""

from ..errors import LocalError
from ..ids import Ref
from ..store import drafts
from ..store.db import transaction
from ..store.drafts import Draft
from .finding import Finding
from .install import wall_ms

_DRAFT_MAX_CODE_POINTS = 10_000  # far over a message: a draft is there to be shortened


class Drafts(Finding):
    """Drafts."""

    def save_draft(self, text: str, number: int | None = None) -> Draft:
        """Keep a text, in place of draft `number` if that is given.

        Raises:
            LocalError: an empty text, one that is no message at all, or no such draft; nothing was kept.
        """
        if not text.strip():
            raise LocalError("The draft is empty: write at least one visible character.")
        if len(text) > _DRAFT_MAX_CODE_POINTS:
            raise LocalError(f"A draft has at most {_DRAFT_MAX_CODE_POINTS} characters.")
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise LocalError("The draft has half of a character (a lone surrogate): remove it.")
        now_ms = wall_ms()
        with transaction(self.connection):
            found = drafts.save(self.connection, text, now_ms, number)
        if found is None:
            raise _no_draft(number)
        if number is not None:
            self._wipe()
        return Draft(found, now_ms, text)

    def drafts(self) -> list[Draft]:
        """All that are kept, oldest first."""
        return drafts.load(self.connection)

    def post_draft(self, number: int) -> Ref:
        """Post a draft as it is, and drop it; what can't be posted is kept.

        Raises:
            LocalError: no such draft.
            TextError, StoreError: as `post`.
        """
        draft = drafts.find(self.connection, number)
        if draft is None:
            raise _no_draft(number)
        ref = self.post(draft.text)
        self.delete_draft(number)
        return ref

    def delete_draft(self, number: int) -> None:
        """Drop a draft.

        Raises:
            LocalError: no such draft.
        """
        with transaction(self.connection):
            gone = drafts.drop(self.connection, number)
        if not gone:
            raise _no_draft(number)
        self._wipe()


def _no_draft(number: int | None) -> LocalError:
    return LocalError(f"There is no draft {number}: `p2pmicro draft list` shows those that there are.")

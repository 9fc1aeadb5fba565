"""Example: up to a thousand notes in the memory of one process, lost at a restart.

To remove the example, delete this file, `tests/test_notes.py`, and the two mentions of `notes` in
`app/application.py`. In `app/settings.py`, delete the headers that only the example uses:
Idempotency-Key and Location.
"""

from typing import Annotated
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from fastapi import APIRouter, Header, HTTPException, Request, Response, status
from pydantic import BaseModel, Field

MAX_NOTES = 1000

router = APIRouter(prefix="/notes", tags=["notes"])

Text = Annotated[str, Field(min_length=1, max_length=1000)]


class NewNote(BaseModel):
    """A note as a client writes it."""

    text: Text
    done: bool = False


class NoteChange(BaseModel):
    """The fields of a note to change. Omitted fields and nulls stay as they are."""

    text: Text | None = None
    done: bool | None = None


class Note(NewNote):
    """A stored note."""

    id: UUID


_notes: dict[UUID, Note] = {}


def _find(note_id: UUID) -> Note:
    if note_id not in _notes:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no note {note_id}.")
    return _notes[note_id]


@router.get("")
async def list_notes() -> list[Note]:
    """List all notes, oldest first."""
    return list(_notes.values())


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses={201: {"headers": {"Location": {"schema": {"type": "string"}}}}},
)
async def create_note(
    new: NewNote,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=100)] = None,
) -> Note:
    """Create a note.

    A repeated request with the same `Idempotency-Key` and note returns the first note.
    """
    note_id = uuid4()
    if idempotency_key is not None:
        # The note is part of its identifier, so two clients with one key get two notes.
        note_id = uuid5(NAMESPACE_OID, f"{idempotency_key}:{new.model_dump_json()}")
    note = _notes.setdefault(note_id, Note(id=note_id, **new.model_dump()))
    if len(_notes) > MAX_NOTES:
        del _notes[next(iter(_notes))]
    response.headers["Location"] = request.url_for("read_note", note_id=note_id).path
    return note


@router.get("/{note_id}")
async def read_note(note_id: UUID) -> Note:
    """Return one note."""
    return _find(note_id)


@router.put("/{note_id}")
async def replace_note(note_id: UUID, new: NewNote) -> Note:
    """Replace a note."""
    _notes[note_id] = Note(id=_find(note_id).id, **new.model_dump())
    return _notes[note_id]


@router.patch("/{note_id}")
async def change_note(note_id: UUID, change: NoteChange) -> Note:
    """Change the given fields of a note."""
    _notes[note_id] = _find(note_id).model_copy(update=change.model_dump(exclude_none=True))
    return _notes[note_id]


@router.delete("/{note_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_note(note_id: UUID) -> None:
    """Delete a note."""
    del _notes[_find(note_id).id]

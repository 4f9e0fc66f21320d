"""Pictures wait in a short line: who comes after is asked to come again, and holds no thread of the house."""

import pytest

from app.files import preparing
from app.files.models import FileKind, FilePurpose
from app.files.preparing import PicturesBusy, prepare
from tests.pictures import photo


def test_a_third_picture_is_asked_to_come_again_at_once():
    with preparing._line, preparing._line, pytest.raises(PicturesBusy):
        prepare(photo(), promised=FileKind.IMAGE, purpose=FilePurpose.PHOTO)
    assert prepare(photo(), promised=FileKind.IMAGE, purpose=FilePurpose.PHOTO).mime == "image/jpeg"

"""Files on their way in: in memory, since a temporary file would be a clear copy, and only from who may give one."""

from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

# Any of these: whoever has none gives no file.
PERMISSIONS = ("cases.attest_manualtask", "cases.add_caseimport", "cases.add_attachment")


def _may_give(user: Any) -> bool:
    return user is not None and any(user.has_perm(permission) for permission in PERMISSIONS)


class InMemory(FileUploadHandler):
    """The one handler of uploads. Of a file over the limit only the size is kept, so that a form can say so.

    One file a request, as forms ask for: the limit of each would else be the limit of none.
    """

    _kept: BytesIO | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if self._kept is not None or not _may_give(user):
            # Nobody else, and nothing else, fills our memory; the form then has no file.
            raise SkipFile
        self._kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._kept is not None
        if start + len(raw_data) <= settings.UPLOAD_LIMIT_BYTES:
            self._kept.write(raw_data)
        else:
            self._kept = BytesIO()

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        assert self._kept is not None
        self._kept.seek(0)
        return InMemoryUploadedFile(
            self._kept,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
            self.content_type_extra,
        )

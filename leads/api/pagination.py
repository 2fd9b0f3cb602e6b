"""Cursor pagination: ``{"next", "previous", "results"}``, stable while rows are added."""

from rest_framework import pagination
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request


class CursorPagination(pagination.CursorPagination):
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    ordering = "-pk"

    def get_page_size(self, request: Request) -> int:
        """Rows of a page. A limit that is none is refused: the base class would take the usual one in silence."""
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= self.max_page_size):
            raise ValidationError({self.page_size_query_param: [f"Must be a number from 1 to {self.max_page_size}."]})
        return int(text)

    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        """The cursor of the query; one that is none of ours is refused by name.

        The base class hands the position to the database as it comes, which fails there for anything but a key.
        """
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise self._invalid() from None
        if cursor is None or cursor.position is None:
            return cursor
        position = str(cursor.position)
        if not (position.isascii() and position.isdigit() and len(position) < 19):
            raise self._invalid()
        return cursor

    def _invalid(self) -> ValidationError:
        return ValidationError({self.cursor_query_param: ["Take it from next or previous of another page."]})

"""Cursor pagination: ``{"next", "previous", "results"}``, stable while rows are added."""

from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request


class CursorPagination(pagination.CursorPagination):
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    ordering = "-pk"

    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        """The cursor of the query; 404 for one that is none of ours.

        The base class hands the position to the database as it comes, which fails there for anything but a key.
        """
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        position = str(cursor.position)
        if not (position.isascii() and position.isdigit() and len(position) < 19):
            raise NotFound(self.invalid_cursor_message)
        return cursor

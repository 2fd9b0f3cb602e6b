"""How a run is split: the deals of an account stay together."""

import numpy as np

from attribution.pure.columns.columns import UNKNOWN, Columns


def split(deals: Columns, size: int) -> list[list[int]]:
    """Return ids of deals in parts of about ``size``; all deals of an account are in one part.

    ``deals``: id and account (-1: none) as int64 columns.
    """
    if len(deals["id"]) == 0:
        return []
    order = np.lexsort((deals["id"], deals["account"]))
    account = deals["account"][order]
    # A part may begin where an account does; deals without one may be parted anywhere.
    begins = np.flatnonzero((np.diff(account, prepend=-2) != 0) | (account == UNKNOWN))
    places = np.arange(0, len(order), size)
    cuts = np.unique(begins[np.searchsorted(begins, places, side="right") - 1])
    return [part.tolist() for part in np.split(deals["id"][order], cuts[1:])]

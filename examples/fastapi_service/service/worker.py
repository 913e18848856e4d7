"""The worker: decides what is due and delivers what was asked for, until it is told to stop, or killed.

python -m service.worker
"""

import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from service.desk import Desk
from service.policy import POLICY
from service.tables import connect

log = logging.getLogger("desk.worker")


def run(desk: Desk, send: Callable[[str, dict], None], *, pause: float = 1.0, stop: Callable[[], bool] = bool) -> None:
    """Work until `stop` says so. A database that is locked or away is waited for."""
    while not stop():
        try:
            busy = desk.work() + desk.deliver(send)
        except OperationalError as error:
            log.warning("the database is not to be had, trying again: %s", error.orig)
            busy = 0
        if not busy:
            time.sleep(pause)


def tell(key: str, message: dict) -> None:
    """Delivery is yours: a mail gateway, a chat, a pager; whichever takes the key as the id of the message."""
    log.info("%s %s", key, message)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    url = os.environ.get("DESK_DATABASE", "sqlite:///desk.sqlite3")
    run(Desk(connect(url), POLICY, lambda: datetime.now(UTC)), tell)

"""These tests ask published peers, which the extra `[peers]` installs; without it there is nothing here to collect."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("workclock") and find_spec("django_bizcal") else ["test_*.py"]

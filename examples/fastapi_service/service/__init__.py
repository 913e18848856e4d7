"""A small ticketing service whose only escalation logic is a policy.

`policy.py` is what was decided beforehand; `tables.py` what is stored; `desk.py` reads, decides and writes; `app.py` and
`worker.py` are the two processes that use it.
"""

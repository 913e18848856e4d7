"""A small ticketing service whose only escalation logic is a policy.

`policy.py` is what was decided beforehand; `tables.py` what is stored; `desk.py` reads, decides and writes. Two
processes use it: `app.py`, with `api.py` for programs and `page.py` for people, and `worker.py`.
"""

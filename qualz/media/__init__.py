"""Files, never rows: bytes as they arrive, and the Full Session made of them.

`storage` keeps acknowledged bytes, `full_session.make` turns parts into one verified file.
Nothing here knows a request, a database row, a queue or a setting; callers pass what is needed.
"""

"""What `qualz run` starts, watches and ends: Redis, the web server, the workers and the sweep.

Nothing is imported here: the web server reads its configuration in this package, and is to import
the application only after gevent has made the standard library its own.
"""

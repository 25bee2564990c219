"""Participants who are not there: they speak the real protocol with a server, as browsers do.

The load test, the soak test and the demo. It knows of the server what a browser knows, and at the
end holds what was kept against what was recorded.
"""

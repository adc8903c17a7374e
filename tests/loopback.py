"""A web server on this machine for tests of what is downloaded."""

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """Says nothing when a client goes away.

    A client may close a connection that it keeps for later at any moment, also while another test runs in
    the same process. The traceback that the standard server prints then would be found among that test's
    messages.
    """

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

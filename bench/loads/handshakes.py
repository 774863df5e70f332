"""Handshakes over TLS, one after the other, each with an end in order and a letter: r for a session that was resumed, * for all others."""

import os
import socket
import ssl
import sys
from contextlib import suppress

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
address = ("127.0.0.1", int(sys.argv[1]))

while True:
    with socket.create_connection(address, 10) as carrier:
        carrier.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(carrier) as secured:
            letter = b"r" if secured.session_reused else b"*"
            # Sends close_notify, and waits for the server's: nginx sends none, and HAProxy a response first. A reset ends this program.
            with suppress(ssl.SSLError):
                secured.unwrap()
    os.write(1, letter)

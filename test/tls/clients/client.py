"""One request over TLS: prints how many bytes of the answer came and how it ended. Arguments: port, version, suite, certificate or empty."""
import socket
import ssl
import sys

port, version, suite, certificate = sys.argv[1:5]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
known = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[version]
context.minimum_version = context.maximum_version = known
if version == "TLSv1.2":
    context.set_ciphers(suite)
if certificate:
    context.load_cert_chain(certificate)
got = 0
try:
    connection = socket.create_connection(("127.0.0.1", int(port)))
    secure = context.wrap_socket(connection, server_hostname="jobs.test", suppress_ragged_eofs=False)
    secure.sendall(b"GET / HTTP/1.1\r\nHost: jobs.test\r\n\r\n")
    while True:
        chunk = secure.recv(65536)
        if not chunk:
            print(got, "end")
            break
        got += len(chunk)
except OSError as error:
    print(got, error)

"""Sends CONNECT to BADPROXY_PROXY and prints in how many data segments the reply came.

The count is the kernel's (TCP_INFO, tcpi_data_segs_in), so it does not depend on when this
program gets to read. Linux only.
"""

import os
import socket
import struct
from urllib.parse import urlsplit

proxy = urlsplit(os.environ["BADPROXY_PROXY"])
sock = socket.create_connection((proxy.hostname, proxy.port), timeout=5)
sock.sendall(b"CONNECT target.badproxy.test:443 HTTP/1.1\r\nHost: target.badproxy.test:443\r\n\r\n")
got = b""
while b"\r\n\r\n" not in got:
    got += sock.recv(65536)
# struct tcp_info: tcpi_data_segs_in is the 32-bit word at offset 152.
info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
print("segments", struct.unpack_from("<I", info, 152)[0])

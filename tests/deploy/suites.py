"""Clients of TLS 1.2 that offer certain suites alone."""

import ssl


def offering(suites: str) -> ssl.SSLContext:
    """Return a client of TLS 1.2 that offers *suites* alone, however weak."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(f"{suites}:@SECLEVEL=0")
    return tls

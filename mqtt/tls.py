"""TLS to the broker. Reads the files once, when the role starts."""

import ssl
from pathlib import Path


def tls_context(ca_file: Path, cert_file: Path | None = None, key_file: Path | None = None) -> ssl.SSLContext:
    """A context that trusts this authority only and shows our certificate. Raises OSError (ssl.SSLError is one)."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        context.load_cert_chain(cert_file, key_file)
    return context

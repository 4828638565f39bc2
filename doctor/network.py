"""The way to the broker, step by step: name, connection, TLS. Blocks; for doctor only."""

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from doctor.certificates import Certificate, judge, read_certificate, read_certificates
from doctor.checks import Check, Level, Name, fail, failed, ok, warn
from settings.broker import BrokerSettings, TlsSettings

TIMEOUT_S = 5.0

# OpenSSL's X509_V_ERR_..., as SSLCertVerificationError.verify_code has them.
_BAD_SIGNATURE, _NOT_YET, _EXPIRED = 7, 9, 10
_SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _NO_LEAF_ISSUER = 18, 19, 20, 21
_WRONG_HOST, _WRONG_ADDRESS = 62, 64


def dial(broker: BrokerSettings, now: datetime | None = None) -> list[Check]:
    """Name, connection, and TLS where it is configured; stops at the first step that fails."""
    now = now or datetime.now(UTC)
    checks = [_name(broker.host, broker.port)]
    if not failed(checks):
        checks.append(_connection(broker.host, broker.port))
    if broker.tls is not None:
        checks += our_files(broker.tls, now)
        if not failed(checks):
            checks.append(_handshake(broker, broker.tls, now))
    return checks


def dial_all(broker: BrokerSettings, now: datetime | None = None) -> tuple[list[Check], BrokerSettings | None]:
    """Dial every node that is configured; also the settings for the first that is sound, None when there is none.

    While one of them is sound the others are only warned of: who finds a node dead goes to the next one.
    """
    nodes = [broker.model_copy(update={"host": host, "port": port, "others": ()}) for host, port in broker.addresses]
    dialled = [dial(node, now) for node in nodes]
    sound = [node for node, found in zip(nodes, dialled, strict=True) if not failed(found)]
    checks: list[Check] = []
    for at, (node, found) in enumerate(zip(nodes, dialled, strict=True)):
        for one in found:
            if at and one.name is Name.OUR_CERTIFICATE:  # they are the same for all
                continue
            level = Level.WARN if sound and one.level is Level.FAIL else one.level
            checks.append(replace(one, level=level, subject=f"{node.host}:{node.port}" if broker.others else ""))
    return checks, sound[0] if sound else None


def identity(broker: BrokerSettings, role_id: str) -> str | None:
    """The user that the broker takes us for: the certificate's common name, else the user name; None without credentials."""
    if broker.tls is not None and broker.tls.cert_file is not None:
        with contextlib.suppress(OSError, ValueError):
            return read_certificates(broker.tls.cert_file.read_text())[0].common_name
        return role_id
    if broker.username is None and (broker.password is not None or broker.password_file is not None):
        return role_id
    return broker.username


def _name(host: str, port: int) -> Check:
    found: list[str] = []
    trouble: list[str] = []

    def look_up() -> None:
        try:
            found.extend(sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}))
        except OSError as error:
            trouble.append(error.strerror or str(error))

    # A name server that does not answer holds getaddrinfo for much longer than anybody waits.
    thread = threading.Thread(target=look_up, name="dns", daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    if found:
        return ok(Name.DNS, f"{host} is an address." if found == [host] else f"{host} is {', '.join(found)}.")
    why = trouble[0] if trouble else f"no answer in {TIMEOUT_S:g} s"
    return fail(Name.DNS, f"{host} has no address: {why}.", "check [broker] host, and this machine's name server")


def _connection(host: str, port: int) -> Check:
    began_s = time.monotonic()
    try:
        socket.create_connection((host, port), TIMEOUT_S).close()
    except ConnectionRefusedError:
        return fail(
            Name.TCP,
            f"{host} refuses connections on port {port}: nothing listens there.",
            "start the broker, or check [broker] port",
        )
    except TimeoutError:
        return fail(
            Name.TCP,
            f"{host}:{port} does not answer within {TIMEOUT_S:g} s.",
            "check the route, and the firewalls on the way",
        )
    except OSError as error:
        why = error.strerror or str(error)
        return fail(Name.TCP, f"{host}:{port} cannot be reached: {why}.", "check this machine's network")
    return ok(Name.TCP, f"{host}:{port} answers in {(time.monotonic() - began_s) * 1000:.0f} ms.")


def our_files(tls: TlsSettings, now: datetime) -> list[Check]:
    """Our authority's certificates and our own."""
    checks: list[Check] = []
    authority = _read(tls.ca_file)
    if isinstance(authority, str):
        checks.append(fail(Name.OUR_CERTIFICATE, authority, "check [broker.tls] ca_file"))
    else:
        first_to_end = min(authority, key=lambda one: one.not_after)
        judged = judge(
            Name.OUR_CERTIFICATE,
            f"the authority in {tls.ca_file}",
            first_to_end,
            now,
            "get the authority's new certificate into ca_file",
        )
        checks.append(judged)
    if tls.cert_file is None:
        return checks
    own = _read(tls.cert_file)
    if isinstance(own, str):
        return [*checks, fail(Name.OUR_CERTIFICATE, own, "check [broker.tls] cert_file")]
    whose = f"our certificate ({own[0].common_name})"
    checks.append(judge(Name.OUR_CERTIFICATE, whose, own[0], now, "have a new one signed for this key"))
    try:
        ssl.create_default_context().load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ValueError) as error:
        said = f"certificate and key cannot be used together: {error}."
        checks.append(
            fail(Name.OUR_CERTIFICATE, said, "check [broker.tls] cert_file and key_file, and who may read them")
        )
    return checks


def _read(path: Path) -> list[Certificate] | str:
    try:
        return read_certificates(path.read_text())
    except (OSError, ValueError) as error:
        return f"{path} cannot be read: {error}."


def _handshake(broker: BrokerSettings, tls: TlsSettings, now: datetime) -> Check:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=tls.ca_file)
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    try:
        theirs, version = _meet(broker, context)
    except ssl.SSLCertVerificationError as error:
        return _mistrust(broker, tls, error, now)
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return fail(
                Name.TLS,
                f"{broker.host}:{broker.port} does not speak TLS.",
                "is it the plain port? TLS is usually on 8883",
            )
        return fail(Name.TLS, f"TLS failed: {error.reason or error}.", "check the broker's log")
    except (OSError, ValueError) as error:
        return fail(
            Name.TLS,
            f"{broker.host}:{broker.port} broke off during the TLS handshake: {_why(error)}.",
            "is it the plain port? TLS is usually on 8883",
        )
    says = f"{version}, the chain is trusted; "
    return judge(Name.TLS, "the broker's certificate", theirs, now, "renew the broker's certificate", says)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or "no answer"


def _meet(broker: BrokerSettings, context: ssl.SSLContext) -> tuple[Certificate, str]:
    with (
        socket.create_connection((broker.host, broker.port), TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=broker.host) as secured,
    ):
        der = secured.getpeercert(binary_form=True)
        if der is None:
            raise ValueError("the broker shows no certificate")
        return read_certificate(der), str(secured.version())


def _mistrust(broker: BrokerSettings, tls: TlsSettings, error: ssl.SSLCertVerificationError, now: datetime) -> Check:
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    theirs: Certificate | None = None
    with contextlib.suppress(OSError, ValueError):
        # Only looked at: nothing is sent to who cannot be trusted, our certificate neither.
        theirs, _ = _meet(broker, unchecked)
    if error.verify_code in (_EXPIRED, _NOT_YET):
        if theirs is not None and (theirs.days_left(now) < 0 or theirs.not_before > now):
            return judge(Name.TLS, "the broker's certificate", theirs, now, "renew the broker's certificate")
        return fail(
            Name.TLS, f"a certificate of the broker's chain is out of date: {error.verify_message}.", "renew its chain"
        )
    if error.verify_code in (_WRONG_HOST, _WRONG_ADDRESS):
        named = f" It is for {theirs.common_name}." if theirs is not None and theirs.common_name else ""
        return fail(
            Name.TLS,
            f"the broker's certificate is not for {broker.host}.{named}",
            "write the name in the certificate as [broker] host, or have one signed for this name",
        )
    if error.verify_code in (_BAD_SIGNATURE, _SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _NO_LEAF_ISSUER):
        return fail(
            Name.TLS,
            f"the broker's certificate is not signed by the authority in {tls.ca_file}.",
            "check [broker.tls] ca_file; if it is right, this may not be our broker",
        )
    return fail(Name.TLS, f"the broker's certificate is not trusted: {error.verify_message}.", "check its chain")


def judge_identity(broker: BrokerSettings, role_id: str) -> list[Check]:
    """Whether the certificate names this role: the broker's rules go by it."""
    user = identity(broker, role_id)
    if broker.tls is None or broker.tls.cert_file is None or user is None or user == role_id:
        return []
    return [
        warn(
            Name.OUR_CERTIFICATE,
            f"our certificate is for {user!r}, and we are {role_id!r}: the broker's topic rules go by the certificate.",
            f"have one signed for {role_id}, unless the broker maps its users otherwise",
        )
    ]

"""Configurations of Caddy and nginx for an opening; deploy/caddy and deploy/nginx are written from here too.

Both pass on who asked (and nothing that the asker wrote about it), keep event streams unbuffered and the server's own
security headers, and send http to https. The public name alone gets HSTS: a school's own certificate may go.
"""

from __future__ import annotations

from typing import Final

from classair.ops.opening.plan import Opening

BODY: Final = 256  # KiB; the server's own limit
_DECLARED_TOO_LARGE: Final = "^0*([1-9][0-9]{6,}|[3-9][0-9]{5}|2[7-9][0-9]{4})$"
"""Lengths from 270,000 bytes, the first that Caddy can tell by a pattern."""
HSTS: Final = "max-age=31536000"


def caddyfile(opening: Opening) -> str:
    """For /etc/caddy/Caddyfile."""
    certificate = f"{opening.certificates}/server.crt {opening.certificates}/server.key"
    lines = [
        "# Written by `classair open`; docs/open.md explains it.",
        "{",
        "\tadmin off",
        "\tauto_https disable_redirects",
        f"\thttp_port {opening.http}",
        f"\thttps_port {opening.https}",
        "\tservers {",
        "\t\t# Without HTTP/3, which listens on UDP too.",
        "\t\tprotocols h1 h2",
        "\t\ttimeouts {",
        "\t\t\tread_header 10s",
        "\t\t\tread_body 30s",
        "\t\t\tidle 2m",
        "\t\t}",
        "\t\tmax_header_size 32KB",
        "\t}",
        "}",
        "",
        "# Caddy itself puts the client's address into X-Forwarded-For and drops what the client wrote there.",
        "(classair) {",
        f"\tbind {opening.address}",
        "\t# What says that it is too large gets 413, by Caddy or by ClassAir; what does not say so ends at the limit.",
        f"\t@large header_regexp Content-Length {_DECLARED_TOO_LARGE}",
        "\trespond @large 413",
        "\trequest_body {",
        "\t\tmax_size 270KB",
        "\t}",
        "\theader -Server",
        f"\treverse_proxy 127.0.0.1:{opening.pages} {{",
        "\t\tflush_interval -1",
        "\t\ttransport http {",
        "\t\t\tdial_timeout 5s",
        "\t\t\tresponse_header_timeout 60s",
        "\t\t}",
        "\t}",
        "}",
        "",
        "# The school's network, with the school's own certificate.",
        f"{_sites('https', opening.names)} {{",
        f"\ttls {certificate}",
        "\timport classair",
        "}",
    ]
    plain = list(opening.names)
    if opening.public:
        own = opening.public_certificates
        lines += [
            "",
            "# The internet. Without a certificate of its own Caddy fetches one (ACME).",
            f"https://{opening.public} {{",
            *([f"\ttls {own}/fullchain.pem {own}/privkey.pem"] if own else []),
            f'\theader Strict-Transport-Security "{HSTS}"',
            "\timport classair",
            "}",
        ]
        plain.append(opening.public)
    lines += [
        "",
        f"{_sites('http', plain)} {{",
        f"\tbind {opening.address}",
        f"\tredir https://{{host}}{_port(opening)}{{uri}} 308",
        "}",
    ]
    return "\n".join(lines) + "\n"


def nginx_conf(opening: Opening) -> str:
    """For /etc/nginx/conf.d/classair.conf: inside the block `http`."""
    own = opening.public_certificates or f"/etc/letsencrypt/live/{opening.public}"
    where = f"[{opening.address}]" if ":" in opening.address else opening.address
    lines = [
        "# Written by `classair open`; docs/open.md explains it.",
        *_nginx_plain(opening, where),
        "",
        "# The school's network, with the school's own certificate.",
        *_nginx_server(opening, where, _nginx_names(opening), opening.certificates, "server.crt", "server.key", []),
    ]
    if opening.public:
        header = [f'    add_header Strict-Transport-Security "{HSTS}" always;']
        lines += [
            "",
            "# The internet. The certificate is fetched by certbot (ACME).",
            *_nginx_server(opening, where, opening.public, own, "fullchain.pem", "privkey.pem", header),
        ]
    return "\n".join(lines) + "\n"


def _nginx_plain(opening: Opening, where: str) -> list[str]:
    names = " ".join(filter(None, (_nginx_names(opening), opening.public)))
    return [
        "server {",
        f"    listen {where}:{opening.http};",
        f"    server_name {names};",
        "    server_tokens off;",
        "    # certbot's proof that the public name is this machine's",
        "    location /.well-known/acme-challenge/ { root /var/www/html; }",
        f"    location / {{ return 308 https://$host{_port(opening)}$request_uri; }}",
        "}",
    ]


def _nginx_server(
    opening: Opening, where: str, names: str, folder: str, certificate: str, key: str, more: list[str]
) -> list[str]:
    return [
        "server {",
        f"    listen {where}:{opening.https} ssl http2;",
        f"    server_name {names};",
        f"    ssl_certificate {folder}/{certificate};",
        f"    ssl_certificate_key {folder}/{key};",
        "    ssl_protocols TLSv1.2 TLSv1.3;",
        "    server_tokens off;",
        f"    client_max_body_size {BODY}k;",
        "    client_header_timeout 10s;",
        "    client_body_timeout 30s;",
        *more,
        "    location / {",
        f"        proxy_pass http://127.0.0.1:{opening.pages};",
        "        proxy_http_version 1.1;",
        '        proxy_set_header Connection "";',
        "        # What the client wrote about itself is replaced, never added to.",
        "        proxy_set_header Host $http_host;",
        "        proxy_set_header X-Forwarded-For $remote_addr;",
        "        proxy_set_header X-Forwarded-Host $http_host;",
        "        proxy_set_header X-Forwarded-Proto $scheme;",
        '        proxy_set_header X-Real-IP "";',
        '        proxy_set_header Forwarded "";',
        "        # Event streams: nothing waits in a buffer, and a quiet one stays open.",
        "        proxy_buffering off;",
        "        proxy_connect_timeout 5s;",
        "        proxy_read_timeout 1h;",
        "    }",
        "}",
    ]


def _nginx_names(opening: Opening) -> str:
    return " ".join(f"[{name}]" if ":" in name else name for name in opening.names)


def _sites(scheme: str, names: list[str]) -> str:
    return ", ".join(f"{scheme}://[{name}]" if ":" in name else f"{scheme}://{name}" for name in names)


def _port(opening: Opening) -> str:
    return "" if opening.https == 443 else f":{opening.https}"


EXAMPLE: Final = Opening(address="192.168.1.10", name="classair.local", public="air.my-school.ac.th")
"""deploy/caddy and deploy/nginx."""

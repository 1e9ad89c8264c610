"""Reads the simulated ConnectWise PSA with `pyconnectwise` 0.6.1.2, a client from the package index.

That client speaks https alone, looks the codebase up first, follows the `Link` header, and refuses rows that its models do
not take. So a proxy here ends the TLS, with the certificate and the authority that the transport's own tests have.
"""

import http.client
import http.server
import os
import pathlib
import ssl
import sys
import threading
import urllib.parse

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "lib" / "transport" / "fixtures"
# Read when a request is sent: the only authority that is trusted here.
os.environ["REQUESTS_CA_BUNDLE"] = str(FIXTURES / "authority.pem")

import requests
from pyconnectwise import ConnectWiseManageAPIClient
from pyconnectwise.exceptions import AuthenticationFailedException, NotFoundException

from connectwise_rows import compare
from findings import Findings, sandbox, world

TIMEOUT_S = 10


def proxy(url):
    """Starts a server that passes every GET on to `url`; returns where it listens."""
    behind = urllib.parse.urlsplit(url)

    class Passing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            there = http.client.HTTPConnection(behind.hostname, behind.port, timeout=TIMEOUT_S)
            there.request("GET", self.path, headers={name: self.headers[name] for name in self.headers})
            answer = there.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FIXTURES / "server.pem", FIXTURES / "server_key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"localhost:{server.server_address[1]}"


def rows(endpoint, page_size):
    """Returns all rows of a list, as they are on the wire."""
    pages = endpoint.paginated(1, page_size).all()
    return [row.model_dump(by_alias=True, exclude_none=True, mode="json") for row in pages]


def main():
    psa, _ = sandbox("connectwise")
    secret, findings = psa["secret"], Findings("connectwise_models")
    host = proxy(psa["url"])
    account = {
        "company_name": psa["settings"]["company_id"], "manage_url": host, "client_id": secret["client_id"],
        "public_key": secret["public_key"],
    }
    client = ConnectWiseManageAPIClient(**account, private_key=secret["private_key"])
    findings.same("the codebase that was looked up", "v2025_1/", client.codebase)
    companies = rows(client.company.companies, 10)
    sites = [site for company in companies for site in rows(client.company.companies.id(company["id"]).sites, 2)]
    lists = {
        "companies": companies,
        "sites": sites,
        "contacts": rows(client.company.contacts, 40),
        "configurations": rows(client.company.configurations, 1000),
        "members": rows(client.system.members, 3),
    }
    compare(findings, lists, world("psa"))
    for name, endpoint in [
        ("statuses", client.company.companies.statuses), ("types", client.company.configurations.types),
    ]:
        findings.fits(f"there are {name}", rows(endpoint, 25))
    one = client.company.companies.id(companies[3]["id"]).get()
    findings.same("one company", companies[3]["name"], one.name)

    try:
        client.company.companies.id(99999).get()
        findings.fits("a company that is not there is refused", False)
    except NotFoundException:
        findings.fits("a company that is not there is refused", True)
    try:
        ConnectWiseManageAPIClient(**account, private_key="wrong").company.companies.get()
        findings.fits("a wrong key is refused", False)
    except AuthenticationFailedException:
        findings.fits("a wrong key is refused", True)
    del os.environ["REQUESTS_CA_BUNDLE"]
    try:
        client.company.companies.get()
        findings.fits("a certificate of an unknown authority is refused", False)
    except requests.exceptions.SSLError:
        findings.fits("a certificate of an unknown authority is refused", True)
    findings.close()


if __name__ == "__main__":
    sys.exit(main())

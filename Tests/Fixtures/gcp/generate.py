"""Makes a service account's key file and the assertion it signs at a fixed time, for the tests of the gateway's own.

    pip install cryptography==48.0.0 && python generate.py
"""

import base64
import json
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

NOW = 1_700_000_000
EMAIL, TOKEN_URL = "test@pellucid.iam.gserviceaccount.com", "https://oauth2.googleapis.com/token"


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def main():
    folder = pathlib.Path(__file__).parent
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    account = {"type": "service_account", "project_id": "pellucid", "private_key_id": "key-1", "private_key": pem, "client_email": EMAIL, "token_uri": TOKEN_URL}
    (folder / "service-account.json").write_text(json.dumps(account, indent=2) + "\n")
    header = {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    claims = {"iss": EMAIL, "sub": EMAIL, "scope": "https://www.googleapis.com/auth/cloud-platform", "aud": TOKEN_URL, "iat": NOW, "exp": NOW + 3600}
    text = b".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    (folder / "assertion.txt").write_bytes(text + b"." + encoded(signature) + b"\n")


if __name__ == "__main__":
    main()

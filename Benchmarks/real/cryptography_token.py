# {"requirements": ["cryptography", "pyjwt"]}
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

key = ec.generate_private_key(ec.SECP256R1())


def handler(event):
    token = jwt.encode({"sub": event["name"]}, key, algorithm="ES256")
    return jwt.decode(token, key.public_key(), algorithms=["ES256"])

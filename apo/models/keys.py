"""Keys of models: from the environment, or else the system's keyring.

They are read when a model is opened, and go nowhere but into the request's header.
"""

import os
import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from apo.errors import AuthenticationError

KEYRING = "apo"
"""The service under which the keyring holds keys; the user name is the variable's."""


def read_key(name: str, variable: str, *, needed: bool) -> str:
    """The key that a variable or the keyring holds; "" where there is none.

    Args:
        name: of the model, for messages.
        variable: of the environment; "" for a model that takes no key.
        needed: whether the model is of no use without one.

    Raises:
        AuthenticationError: it is needed and not there, holds what no key has, or the keyring
            cannot be read.
    """
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip() or _from_keyring(name, variable)
    if needed and not key:
        raise AuthenticationError(
            f"{name} needs a key, and the environment variable {variable} is not set. Set it in "
            f"the shell that runs apo: export {variable}=YOUR_KEY. Or keep it in the system's "
            f"keyring: pip install keyring, keyring set {KEYRING} {variable}. Keys are read from "
            'nowhere else. The model "embedded" needs none.'
        )
    if not re.fullmatch(r"[!-~]*", key):
        raise AuthenticationError(
            f"The key in {variable} holds a space, a line break or a character outside ASCII, "
            "which no key has. Set it again."
        )
    return key


def _from_keyring(name: str, variable: str) -> str:
    """Look a key up in the system's keyring; "" when keyring is not installed or has none.

    Raises:
        AuthenticationError: the keyring is locked, or fails.
    """
    if find_spec("keyring") is None:
        return ""
    get: Callable[[str, str], str | None] = import_module("keyring").get_password
    try:
        return (get(KEYRING, variable) or "").strip()
    except Exception as error:  # Every backend has errors of its own.
        if type(error).__name__ == "NoKeyringError":  # A machine without one, such as a server.
            return ""
        raise AuthenticationError(
            f"{name}: the system's keyring cannot be read ({type(error).__name__}). Unlock it, or "
            f"set the key in the shell that runs apo: export {variable}=YOUR_KEY."
        ) from None

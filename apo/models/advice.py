"""What a user can do where a server refuses a request for good."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from apo.language.catalogue import message
from apo.models.address import Address
from apo.models.dialect import DECODED
from apo.models.listing import UNKNOWN_MODEL
from apo.trust import HOSTS, is_here

UNSUPPORTED = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|not permitted|not allowed|deprecated|"
    r"invalid|does not|extra inputs|only",
    re.IGNORECASE,
)


def about_key(address: Address, status: int) -> str:
    """What the user can do about a key, or a missing one."""
    if address.scheme == "basic":
        return f"It refuses the user and password in the URL, or in {address.key_variable}."
    variable = address.key_variable
    if not variable:
        return (
            "No key was sent, as none is taken under this name. If it wants one, name the model "
            f"{address.url}#{address.model} and set APO_API_KEY."
        )
    if variable == HOSTS:
        url = urlsplit(address.url)
        plain = url.scheme == "http" and not is_here(url.hostname or "")
        host = f"http://{url.netloc}" if plain else url.netloc
        unsafe = " Others in the network can read it there, as it is no https." * plain
        return (
            f"No key was sent, as a file named {url.netloc}. To send yours there, name it "
            f"yourself: export {HOSTS}={host}.{unsafe}"
        )
    if not address.key:
        told = f"No key was sent. Set one: export {variable}=YOUR_KEY."
        if status != 403:
            return told
        return (
            f"{told} What a gateway wants in other headers is set in APO_HEADERS. If it "
            "answers other requests without a key, it refuses what this one says: look at the "
            "row."
        )
    if status == 403:  # Who is not known gets a 401.
        return (
            f"It knows the key in {variable}, or asks for none, and does not let it do this: look "
            f"whether it may use the model {address.model!r}, from this country and network. What "
            "a gateway wants in other headers is set in APO_HEADERS."
        )
    return f"It refuses the key in {variable}. Set another: export {variable}=YOUR_KEY."


def about_option(option: str) -> str:
    """What can be done where an option is refused that cannot be left out."""
    if option in ("max_tokens", "max_completion_tokens"):
        return (
            " It takes no limit of an answer under either name, so no limit of tokens or money can "
            "be kept: use --max-calls, and set decoding.max_tokens: null."
        )
    return ""


def about_request(address: Address, status: int, headers: Mapping[str, str], said: str) -> str:
    """What the user can do about a request that is refused for good."""
    if status < 400:
        target = address.shown(headers.get("location", "nowhere"), 200)
        return f" It redirects to {target}; write the model's URL so that nothing redirects."
    if status == 404:
        pull = f" Is it there? ollama pull {address.model}." * address.name.startswith("ollama/")
        versioned = re.search(r"/v\d|/openai\b", address.url)
        end = "" if versioned else f" Most servers' base URL ends in /v1: {address.url}/v1."
        check = message(f"Check the model {address.model!r} and the base URL {address.url}.")
        return f" {check}{end}{pull}"
    if UNKNOWN_MODEL.search(said):
        return f" {message(f'Check the model {address.model!r}.')}"
    named = re.search(rf"\b({'|'.join(DECODED)})\b", said)
    if not named:
        return ""
    option = "max_tokens" if named[1] == "max_completion_tokens" else named[1]
    unset = "[]" if option == "stop" else "null"
    if re.search(r"must be (strictly )?(positive|greater)", said) and option != "max_tokens":
        way = f"such as decoding.{option}: 0.01, or leave it to the server: {unset}"
        return f" Give another value, {way}."
    if not UNSUPPORTED.search(said):
        return ""
    return f" To leave the option to the server, set decoding.{option}: {unset}."


def holder(address: Address) -> str:
    """Who is known to the server: the key, or nobody but the address."""
    return f"the key in {address.key_variable}" if address.key_variable else address.url

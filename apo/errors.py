"""Everything that apo raises on purpose.

ApoError                     what was given, what is needed, how to mend it
├── PromptError              a prompt file or a prompt's parts are not usable
├── TaskError                a task file, a task name or a scorer is not usable
│   ├── DataError            rows, columns, encodings, labels
│   └── TrustError           a folder wants more than to be read, and nobody has allowed it
├── SettingsError            an option, an optimizer's setting, a model's name
├── RunError                 a run's folder: missing, locked, changed since
│   └── JournalError         its journal cannot be read or written
├── Stopped                  the search ends here, in order; what was paid is kept
│   ├── BudgetExhausted      the next call would overspend
│   │   └── Stalled          a stage of a search has brought nothing better for too long
│   │       └── NothingWritten   the optimizer model writes nothing that can be read
│   ├── Interrupted          the user asked for it (Ctrl-C, SIGTERM)
│   └── ModelUnavailable     no answer after all retries; resume later
└── ModelError               one attempt at one call failed
    ├── AuthenticationError  wrong or missing key: ends the run at once
    ├── QuotaError           the account is empty: ends the run at once
    ├── BadRequestError      the server will never take it: ends the run at once
    │   └── OptionRefusedError   it refuses an option by name: asked again without it
    ├── CertificateError     a server that is not trusted: ends the run at once
    ├── LikelihoodError      no log-probabilities of a given text: ends the run at once
    ├── RateLimitError       too fast: waited out and retried
    ├── TransportError       connection, time-out, 5xx: retried
    │   ├── UnreachableError no connection: retried, but not for long when none ever was
    │   └── TimedOutError    no answer in time: sent again once, if nobody else is answered
    ├── MalformedReplyError  an answer that is no chat completion: retried
    ├── ContextLengthError   this request is too long: recorded, not retried
    └── ContentFilterError   this request is refused: recorded, not retried
"""

import shlex
import traceback
from collections.abc import Sequence
from difflib import get_close_matches

from apo.language.catalogue import message
from apo.usage import Usage


class ApoError(Exception):
    """Base of all errors of apo; its text is written for the user, without a traceback.

    Attributes:
        run_id: the run that it ended, if any; `apo resume` goes on with it.
        paid: whether the run may have paid for calls; False where it had not made any.
        overspent: what was spent beyond the limits of the run, and why; "" for nothing.
    """

    run_id = ""
    paid = True
    overspent = ""


class PromptError(ApoError):
    """A prompt file or a prompt's parts are not usable."""


class TaskError(ApoError):
    """A task file, a task name or a scorer is not usable."""


class DataError(TaskError):
    """Rows, columns, encodings or labels are not usable."""


class TrustError(TaskError):
    """A folder or file wants to do more than be read, and its user has not allowed it.

    Attributes:
        subject: the folder or file.
        wishes: what it wants, a line each.
        key: what the answer is remembered under; it changes with the content.
    """

    def __init__(self, subject: str, wishes: tuple[str, ...], key: str) -> None:
        listed = "".join(f"\n- {wish}" for wish in wishes)
        super().__init__(
            f"{subject} wants to:{listed}\nNothing of it was done. Look at the files; when you "
            f"trust them: apo trust {shlex.quote(subject)}. In a script: --trust, or APO_TRUST=1."
        )
        self.subject, self.wishes, self.key = subject, wishes, key


class SettingsError(ApoError):
    """An option, an optimizer's setting or a model's name is not usable."""


class RunError(ApoError):
    """A run's folder is missing, locked by another process, or changed since."""


class JournalError(RunError):
    """A journal cannot be read or written."""


class Stopped(ApoError):
    """The search ends here, in order: what was paid is kept. Optimizers let it pass."""


class BudgetExhausted(Stopped):
    """Raised where the next call would overspend; the normal end of a search."""


class Stalled(BudgetExhausted):
    """A stage of a search has spent its patience; the search goes on with another."""


class NothingWritten(Stalled):
    """None of the optimizer model's replies could be read; to ask it on would be wasted."""


class Interrupted(Stopped):
    """The user asked for the end; calls under way have been finished and kept."""


class SharedBudgetExhausted(Interrupted):
    """What several runs may spend together is spent; the run can be resumed when there is more."""


class ModelUnavailable(Stopped):
    """A model gave no answer after all retries; the run can be resumed later."""


class ModelError(ApoError):
    """One attempt at one call failed; the class says what to do about it.

    Attributes:
        billed: whether the provider may have charged for the attempt all the same.
        usage: the tokens that it says it counted; None where there was no reply to say it.
        of_limit: whether less room for the answer may help: the server refuses so long a one.
        of_model: whether the server does not know the model, or nothing is at its address.
    """

    billed = False
    of_limit = False
    of_model = False
    usage: Usage | None = None


class AuthenticationError(ModelError):
    """The key is missing, wrong, or not allowed to use the model; ends the run at once."""


class QuotaError(ModelError):
    """The account has no credit left; ends the run at once."""


class BadRequestError(ModelError):
    """The server will never accept the request (unknown model, option); ends the run at once."""


class OptionRefusedError(BadRequestError):
    """The server refuses an option of the request by name; ends the run if it goes on doing so.

    Attributes:
        option: one of `apo.models.dialect.REFUSABLE`.
    """

    def __init__(self, message: str, option: str) -> None:
        super().__init__(message)
        self.option = option


class LikelihoodError(ModelError):
    """The model gives no log-probabilities of a text that it is shown; ends the run at once."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot score a given answer: {reason} That takes a server whose /completions "
            "echoes the prompt with its log-probabilities, as vLLM and SGLang do, or local/NAME; "
            'hosted chat models, Ollama and llama-server do not. Use score="execution", which '
            "needs answers alone."
        )


class RateLimitError(ModelError):
    """The server asks for fewer requests.

    Attributes:
        retry_after: seconds that the server asks to wait, or None if it does not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TransportError(ModelError):
    """The connection failed, timed out, or the server answered 5xx; retried.

    Attributes:
        retry_after: seconds that the server asks to wait, or None if it does not say.
    """

    def __init__(
        self, message: str, *, billed: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.billed = billed
        self.retry_after = retry_after


class UnreachableError(TransportError):
    """No connection could be made; a run that never had one does not wait long for it."""


class LoadingError(TransportError):
    """The server is there, and still loads its model: it says so, and is waited for longer."""


class TimedOutError(TransportError):
    """No answer came within the time that an attempt may take; the same may take as long again."""


class CertificateError(ModelError):
    """The server's certificate is not trusted here; ends the run at once."""


class MalformedReplyError(ModelError):
    """The server answered 200 with something that is no chat completion; retried."""

    billed = True


class ContextLengthError(ModelError):
    """This request is longer than the model takes; recorded, and the example scores 0."""


class ContentFilterError(ModelError):
    """The provider refuses this request or its answer; recorded, and the example scores 0.

    It is billed as its reply states, else for what was read: what was written is not known.
    """

    billed = True


RETRIED = (RateLimitError, TransportError, MalformedReplyError)
"""What an attempt may end with that is made again."""

FINAL = (ContextLengthError, ContentFilterError, TimedOutError)
"""What is kept in place of an answer: it is not asked for again."""

USERS_ERRORS = (Exception, SystemExit)
"""What a user's own function may raise; a `sys.exit` in it must not end apo without a word."""


def require_utf8(text: str) -> None:
    """Make sure that a text of the command line can be sent and kept.

    Python has half characters for its bytes that are no UTF-8, such as those of a Korean file's
    name that was unpacked from an archive made on Windows.

    Raises:
        SettingsError: it holds some.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "replace").decode()
        raise SettingsError(
            f"{shown!r} holds bytes that are no UTF-8. Rename what it names, or type it anew."
        ) from None


MOST_NAMED, NEAREST = 60, 12
"""Known names that are all told, and how many of more are: the nearest."""


def near(name: str, known: Sequence[str]) -> str:
    """Say which known names are meant, for the end of an error message.

    Returns:
        " Did you mean 'x'?" when something is near, and always the known names; of very many, such
        as the runs of months, the nearest.
    """
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    guess = message(f" Did you mean {close[0]!r}?") if close else ""
    if len(known) <= MOST_NAMED:
        return guess + message(f" Known: {', '.join(known)}.")
    nearest = get_close_matches(name, known, n=NEAREST, cutoff=0)
    rest = len(known) - len(nearest)
    return guess + message(f" Known: {', '.join(nearest)} and {rest:,} more.")


def where(error: BaseException) -> str:
    """Say where an error arose, as " in file.py, line 3"; "" when that is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""

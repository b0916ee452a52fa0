"""Who answers where a page speaks of a hosted model: the embedded one, and two that it is not."""

from apo import Completion, Request, Usage
from apo.models.embedded import Embedded

FEW = Usage(input_tokens=9, output_tokens=9)


class Reader:
    """The embedded model under each name; `good` is a judge, and `m` a programmer who errs."""

    name = "reader"

    def __init__(self) -> None:
        self._embedded = Embedded()

    async def complete(self, request: Request) -> Completion:
        """Answer as whoever is asked."""
        said = "\n".join(message.content for message in request.messages)
        if "reverse(text)" in said:
            text = "```python\ndef reverse(text):\n    return text[:-1]\n```"
            return Completion(text, usage=FEW)
        if "<grade>" in said:
            text = f"<grade>{1 + len(said) % 5}</grade>"
            return Completion(text, usage=FEW)
        return await self._embedded.complete(request)

    async def aclose(self) -> None:
        """Nothing is open."""

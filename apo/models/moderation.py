"""What a provider's moderation held something back for."""

from typing import Any

from apo.models.body import as_dict, as_list


def filtered_for(body: Any) -> str:
    """The kinds that a filter found, as Azure states them: "violence"; "" where it says none.

    Args:
        body: a reply, or the part of one that says what is wrong.
    """
    fields = as_dict(body)
    parts: list[object] = [fields.get("innererror")]
    parts += as_list(fields.get("choices")) + as_list(fields.get("prompt_filter_results"))
    found = [
        as_dict(as_dict(part).get(name))
        for part in parts
        for name in ("content_filter_result", "content_filter_results")
    ]
    kinds = {kind for one in found for kind, r in one.items() if as_dict(r).get("filtered") is True}
    return ", ".join(sorted(kinds))

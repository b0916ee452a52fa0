"""What solvers say to a model beside the prompt, in English and Korean."""

_SAYS: dict[str, tuple[str, str]] = {
    "reason": (
        "Think step by step first. Then give the final answer alone between <answer> and "
        "</answer>.",
        "먼저 단계별로 생각하세요. 그런 다음 최종 답만 <answer>와 </answer> 사이에 쓰세요.",
    ),
    "know": (
        "Do not answer yet. Write down, in a few short lines, the facts and rules that one has to "
        "know to answer this.",
        "아직 답하지 마세요. 답하기 위해 알아야 할 사실과 규칙을 짧은 문장 몇 줄로 쓰세요.",
    ),
    "known": ("What may help:\n{found}", "도움이 될 수 있는 내용:\n{found}"),
    "plan": (
        "Do not answer yet. Break this into the smaller questions that have to be answered first, "
        "one a line, and answer each of them.",
        "아직 답하지 마세요. 먼저 답해야 할 더 작은 질문들로 나누어 한 줄에 하나씩 쓰고, "
        "각각에 답하세요.",
    ),
    "planned": ("Worked out so far:\n{found}", "지금까지 알아낸 것:\n{found}"),
    "act": (
        "You may use tools. {tools}\n"
        "Reply with one line at a time. Either use a tool, as in\nAction: {example}\n"
        "or, when you know enough, give the answer alone:\nFinal: …",
        "도구를 쓸 수 있습니다. {tools}\n"
        "한 번에 한 줄로 답하세요. 도구를 쓰려면\nAction: {example}\n"
        "충분히 알게 되면 답만 쓰세요:\nFinal: …",
    ),
    "search": (
        "search[words] gives the passages that fit best.",
        "search[단어]는 가장 잘 맞는 글을 보여 줍니다.",
    ),
    "calculate": (
        "calculate[3 * (4 + 5)] gives a result.",
        "calculate[3 * (4 + 5)]는 계산 결과를 보여 줍니다.",
    ),
    "last": (
        "No tool can be used any more. Give the answer now:\nFinal: …",
        "더는 도구를 쓸 수 없습니다. 이제 답을 쓰세요:\nFinal: …",
    ),
    "program": (
        "Do not answer in words. Write a Python function solution() without arguments that "
        "returns the answer, between ```python and ```.",
        "말로 답하지 마세요. 답을 돌려주는, 인자 없는 파이썬 함수 solution()을 ```python과 ``` "
        "사이에 쓰세요.",
    ),
}


def says(name: str, korean: bool, **values: str) -> str:
    """What is said, filled with values as literal text."""
    text = _SAYS[name][korean]
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text

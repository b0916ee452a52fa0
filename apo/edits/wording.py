"""The sentences that edits write, in English and in Korean; {…} is filled by `Facts`."""

from apo.edits.facts import Facts

SENTENCES: dict[str, tuple[str, str]] = {
    "bare-label": (
        "Answer with the label only, and nothing else.",
        "라벨만 쓰고, 다른 말은 쓰지 마세요.",
    ),
    "bare-number": (
        "Answer with the number only, and nothing else.",
        "숫자만 쓰고, 다른 말은 쓰지 마세요.",
    ),
    "bare-json": (
        "Answer with the JSON object only, and nothing else.",
        "JSON 객체만 쓰고, 다른 말은 쓰지 마세요.",
    ),
    "bare-text": (
        "Give the answer alone, with nothing before or after it.",
        "답만 쓰고, 앞뒤에 다른 말을 붙이지 마세요.",
    ),
    "labels": ("The answer is one of: {labels}.", "답은 다음 중 하나입니다: {labels}."),
    "keys": (
        "Answer as JSON with the keys {labels}.",
        "다음 키를 가진 JSON으로 답하세요: {labels}.",
    ),
    "like-label": ("An answer looks like this: {usual}", "답의 예: {usual}"),
    "like-json": ("An answer looks like this: {shape}", "답의 예: {shape}"),
    "out-label": ("If you are not sure, answer {usual}.", "확실하지 않으면 {usual}라고 답하세요."),
    "out-json": (
        "Where the text does not say a value, write null.",
        "글에 나오지 않는 값은 null로 쓰세요.",
    ),
    "out-text": (
        "If the input does not hold the answer, say so instead of guessing.",
        "입력에 답이 없으면 추측하지 말고 없다고 답하세요.",
    ),
    "conditions": (
        "If several answers fit, take the one that the input is mainly about; if none fits well, "
        "take the nearest.",
        "여러 답이 맞으면 글의 중심 내용에 맞는 답을 고르고, 딱 맞는 답이 없으면 가장 가까운 답을 "
        "고르세요.",
    ),
    "grounding": (
        "Go by what the input says alone; add nothing that you know from elsewhere.",
        "입력에 있는 내용만 근거로 삼고, 다른 데서 아는 것은 더하지 마세요.",
    ),
    "steps": (
        "Work in this order: read all of the input, find what decides the answer, then answer.",
        "다음 순서로 하세요: 입력을 끝까지 읽고, 답을 정하는 부분을 찾은 다음, 답하세요.",
    ),
    "think": (
        "Think step by step first. At the end, write 'Answer:' and after it the answer alone.",
        "먼저 차근차근 생각하세요. 마지막에 '답:'이라고 쓰고 그 뒤에 답만 쓰세요.",
    ),
    "length": ("The answer has at most {words} words.", "답은 {words}어절을 넘지 않습니다."),
    "tone": (
        "Write plainly and to the point, without politeness.",
        "꾸밈이나 인사말 없이 담백하게 쓰세요.",
    ),
    "language": ("Answer in English.", "한국어로 답하세요."),
    "persona": (
        "You are an expert with years of practice in this work, and known for your care.",
        "당신은 이 일을 여러 해 해 온, 꼼꼼하기로 이름난 전문가입니다.",
    ),
    "eccentric": (
        "Ship's log: the crew of our starship counts on you to read this signal right.",
        "항해 일지: 우리 우주선의 승무원들은 당신이 이 신호를 바르게 읽어 내리라 믿고 있습니다.",
    ),
    "cue-label": ("Label:", "라벨:"),
    "cue-answer": ("Answer:", "답:"),
}


def say(name: str, facts: Facts) -> str:
    """A sentence in the task's language."""
    return SENTENCES[name][facts.korean].format(
        labels=", ".join(facts.labels or facts.keys),
        usual=facts.usual,
        words=facts.most_words,
        shape="{" + ", ".join(f'"{key}": …' for key in facts.keys) + "}",
    )

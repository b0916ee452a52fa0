"""The rows that a run has measured a prompt on, read from its journal and scored anew."""

from apo.errors import SettingsError
from apo.evaluation.evaluation import Rollout
from apo.prompts.prompt import Prompt
from apo.results.history import task_models
from apo.results.replay import find_reply
from apo.scorers.awaited import AwaitedScorer
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading
from apo.task import Task


def recorded_rollouts(folder: RunFolder, task: Task, prompt: Prompt) -> list[Rollout]:
    """Read what a prompt answered to train and validation examples; never to those of test.

    Who looks at failing test examples and writes a prompt after them has no test any more.

    Args:
        folder: the run.
        task: its task, with the pools that it was run on.
        prompt: whose answers.

    Raises:
        SettingsError: models judge the answers, so that they cannot be scored anew for nothing.
        JournalError: the journal is damaged, or missing.
    """
    if isinstance(task.scorer, AwaitedScorer):
        raise SettingsError(
            f"Models or programs judge the answers of {folder.id}, and they are not asked again "
            "for a table. apo show RUN --example ID shows single answers."
        )
    database = open_for_reading(folder.journal_path)
    found: list[Rollout] = []
    try:
        models = task_models(database)
        for example in dict.fromkeys((*task.train, *task.validation)):
            reply = find_reply(database, task.program, prompt, example, models)
            if reply is None:
                continue
            if reply.error:
                found.append(Rollout.of_refusal(example, reply.error))
            else:
                score = task.judge(reply.text, example)
                found.append(Rollout(example, reply.text, score, cut=reply.truncated))
    finally:
        database.close()
    return found

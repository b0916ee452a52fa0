"""The study of a joint search: opened in memory and in a database, by Optuna."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal

from apo import Search, SettingsError
from apo.optimizers.parts.joint_storage import check_storage, open_database, patiently, starting
from apo.optimizers.parts.joint_trials import Trials

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.study import Study

Direction = Literal["maximize", "minimize"]
OBJECTIVES: dict[str, Direction] = {"score": "maximize", "length": "minimize", "cost": "minimize"}


@asynccontextmanager
async def opened(
    search: Search,
    storage: str,
    name: str,
    *,
    objectives: str,
    sampler: str,
    population_size: int,
    pruner: str,
) -> AsyncGenerator[Trials]:
    """Open the study, and where it is kept.

    These are one in a shared storage. The run's own file is a copy of a study in memory, which
    is many times faster and, as answers come back from the journal, the same after a resume.

    Args:
        search: the run.
        storage: URL of a shared storage, or "".
        name: of the study; "" for the task's name and the fingerprint of its examples.
        objectives: keys of OBJECTIVES, separated by commas.
        sampler: one of SAMPLERS.
        population_size: of NSGA-II.
        pruner: one of PRUNERS.

    Raises:
        SettingsError: the storage cannot be opened, or the study is one of another kind.
        RunError: it was restarting, and did not come back.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    check_storage(storage)
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # It tells of SQL that it tries again.
    url = storage
    if not url and search.folder:
        url = f"sqlite:///{search.folder.resolve() / 'optuna.db'}"
    directions: list[Direction] = [OBJECTIVES[n] for n in objectives.split(",")]
    name = name or f"{search.task.name} {search.task.fingerprint}"

    def start() -> tuple["RDBStorage", "Study", "Study | None"]:
        try:
            database = open_database(url or "sqlite://")
            kept = _study(database, name, directions)
            return database, kept, _study(database, f"{name}: space") if storage else None
        except SettingsError:
            raise
        except ModuleNotFoundError as error:
            ours = "'apo[postgresql]', and write postgresql+psycopg://USER@HOST/DB"
            raise SettingsError(
                f"JointSearch.storage {url!r} takes the package {error.name}, which is not "
                f"installed: pip install {ours if url.startswith('postgresql') else error.name}"
            ) from error
        except Exception as error:  # Whatever a database and its driver may raise.
            if starting(error):
                raise
            raise SettingsError(
                f"JointSearch.storage {url!r} cannot be opened: {type(error).__name__}: {error}"
            ) from error

    database, kept, claims = await patiently(search, url, start)
    memory = optuna.storages.InMemoryStorage()
    try:
        yield Trials(
            search=search,
            study=kept if storage else optuna.create_study(storage=memory, directions=directions),
            database=database if storage else memory,
            kept=kept,
            claims=claims,
            train=search.task.train,
            run=search.folder.name if search.folder else "",
            storage=storage,
            objectives=objectives,
            sampler=sampler,
            population_size=population_size,
            pruner=pruner,
        )
    finally:
        with suppress(SQLAlchemyError):  # The database may be away.
            database.remove_session()
        database.engine.dispose()


def _study(
    database: "RDBStorage", name: str, directions: "Sequence[Direction] | None" = None
) -> "Study":
    from optuna import create_study

    study = create_study(
        storage=database, study_name=name, directions=directions, load_if_exists=True
    )
    there = [direction.name.lower() for direction in study.directions]
    ours = "space" in study.user_attrs  # Then its objectives are known, and compared.
    if directions is not None and there != directions and not ours:
        raise SettingsError(
            f"The study {name!r} is there already, to {', '.join(there)}, and these objectives are "
            f"to {', '.join(directions)}. Give another study_name, or objectives like its own."
        )
    return study

"""Every benchmark of the engine and of the truth of its results, one by one, then the plots.

    APO_BENCH_PEERS=…/bin/python python experiments/benchmarks/bench.py
    python experiments/benchmarks/bench.py --only throughput,warm
    python experiments/benchmarks/bench.py --only plots

Tables go to experiments/results/engine, plots to its folder `plots`. A benchmark that fails does
not keep the others from running; the command then ends with 1. It takes about three hours;
for figures that hold, let nothing else run.
"""

import argparse
import importlib.util
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.benchmarks.bench_plots import draw

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Benchmark:
    """A script beside this one.

    Attributes:
        script: its path from here.
        needs: a package that it cannot do without; empty for none.
    """

    script: str
    needs: str = ""

    @property
    def name(self) -> str:
        """What `--only` calls it."""
        return self.script.removesuffix("/run.py").removesuffix(".py")

    @property
    def missing(self) -> str:
        """Why it cannot be run; empty when it can."""
        if not (HERE / self.script).is_file():
            return f"there is no {HERE / self.script}"
        if self.needs and importlib.util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed"
        return ""


BENCHMARKS = (
    Benchmark("throughput.py"),
    Benchmark("hot_path.py"),
    Benchmark("searches.py"),
    Benchmark("warm.py"),
    Benchmark("journal_scale.py"),
    Benchmark("startup.py"),
    Benchmark("big_data.py"),
    Benchmark("logging_cost.py", "mlflow"),
    Benchmark("ray_grid.py", "ray"),
    Benchmark("faults/run.py"),
    Benchmark("coverage.py"),
    Benchmark("null_test.py"),
    Benchmark("macro_f1.py"),
    Benchmark("refusals.py"),
    Benchmark("audit.py"),
    Benchmark("audit_detector.py"),
)


def main() -> int:
    """Run what was asked for, and say what failed or was skipped."""
    names = [*(benchmark.name for benchmark in BENCHMARKS), "plots"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(names), help=", ".join(names))
    chosen = parser.parse_args().only.split(",")
    if unknown := set(chosen) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    failed = [b.name for b in BENCHMARKS if b.name in chosen and not run(b)]
    if "plots" in chosen:
        draw()
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def run(benchmark: Benchmark) -> bool:
    """Run one benchmark; skipped ones count as good."""
    if benchmark.missing:
        print(f"skipped {benchmark.name}: {benchmark.missing}", flush=True)
        return True
    print(f"\n{benchmark.name}", flush=True)
    start = time.monotonic()
    done = subprocess.run([sys.executable, str(HERE / benchmark.script)])
    print(f"{benchmark.name}: {time.monotonic() - start:.0f} s", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())

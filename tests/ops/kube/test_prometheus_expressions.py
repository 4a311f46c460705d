"""The queries to a Prometheus, evaluated by promtool against series as kubelets have them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from model import paths
from ops.kube.prometheus import cpu_expression, memory_expression

PROMTOOL = paths.cache_dir() / "promtool"
CPU, MEMORY = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
MINUTES = 1200
SECONDS = MINUTES * 60


def of(pod: str, container: str, **more: str) -> str:
    labels = {"namespace": "shop", "pod": pod, "container": container, **more}
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def counter(cores: Sequence[float]) -> str:
    """Return the seconds that were used, a value a minute, of these cores in each minute."""
    seconds, values = 0.0, []
    for each in cores:
        values.append(f"{seconds:.1f}")
        seconds += each * 60
    return " ".join(values)


def peak(minutes: int) -> list[float]:
    """Return a tenth of a core for all the time, and one core for some of it."""
    return [0.1] * 600 + [1.0] * minutes + [0.1] * (MINUTES + 1 - 600 - minutes)


def steady(value: float) -> str:
    return f"{value}x{MINUTES}"


def check(folder: Path, series: dict[str, str], expression: str, samples: dict[str, float]) -> None:
    """Have promtool evaluate at the end of the time; samples are by pod."""
    expected = [
        {"labels": f'{{namespace="shop", pod="{pod}"}}', "value": value}
        for pod, value in samples.items()
    ]
    at = f"{MINUTES}m"
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": at, "exp_samples": expected}],
    }
    file = folder / "test.yaml"
    document = {"rule_files": [], "evaluation_interval": "1m", "tests": [test]}
    file.write_text(yaml.safe_dump(document, width=100_000))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_cpu_is_a_percentile_of_each_pod(tmp_path: Path) -> None:
    """Of two containers together; not of a peak that is shorter than a twentieth of the time."""
    series = {
        CPU + of("long", "app"): counter(peak(180)),
        CPU + of("short", "app"): counter(peak(20)),
        CPU + of("two", "app"): counter([0.2] * (MINUTES + 1)),
        CPU + of("two", "sidecar"): counter([0.1] * (MINUTES + 1)),
    }
    samples = {"long": 1.0, "short": 0.1, "two": 0.3}
    check(tmp_path, series, f"round({cpu_expression(SECONDS)}, 0.001)", samples)


def test_what_is_scraped_twice_counts_once(tmp_path: Path) -> None:
    twice = {
        MEMORY + of("x", "app", instance="a"): steady(100),
        MEMORY + of("x", "app", instance="b"): steady(100),
        # The pod itself and all pods together, as kubelets also tell them.
        MEMORY + of("x", ""): steady(100),
        MEMORY + of("", "", id="/"): steady(5000),
    }
    check(tmp_path, twice, memory_expression(SECONDS), {"x": 100})


def test_memory_is_the_maximum_also_of_a_pod_that_is_gone(tmp_path: Path) -> None:
    former = f"100x300 900x10 {'_ ' * 700}"
    series = {
        MEMORY + of("former", "app"): former,
        MEMORY + of("x", "app"): f"200x600 {steady(300)}",
        MEMORY + of("x", "sidecar"): steady(50),
    }
    check(tmp_path, series, memory_expression(SECONDS), {"former": 900, "x": 350})

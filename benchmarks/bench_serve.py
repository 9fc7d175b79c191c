"""The service under load, and the page's weight: ``python -m benchmarks.bench_serve``.

Fifty clients send a photograph at once to a service on loopback; the script counts what is lost,
looks at the places in the queue, at memory of all processes, and at how fast /healthz answers
meanwhile. Then it kills the service in the middle of work (SIGKILL), starts it again, and counts
what became of each job. Where Chromium is there, it measures the page's first paint and weight.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

PHOTO = Path(__file__).parents[1] / "examples/dogs.jpg"
OCTETS = {"content-type": "application/octet-stream"}


def start(data: Path, workers: int) -> tuple[subprocess.Popen[str], str]:
    """Start a service and return it with its address."""
    command = [sys.executable, "-c", "from earwitness.cli.main import run; run()", "serve"]
    command += ["--port", "0", "--no-open", "--data", str(data), "--workers", str(workers)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def resident_mb(pid: int) -> tuple[float, float]:
    """Return the memory of a process, and of it with all its descendants, in MB (PSS)."""

    def one(number: int) -> float:
        try:
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
        except OSError:
            return 0.0
        return int(text.split("Pss:")[1].split()[0]) / 1000

    return one(pid), sum(one(number) for number in family(pid))


class Watch(threading.Thread):
    """Looks at memory while others work."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.service_mb, self.all_mb, self.over = pid, 0.0, 0.0, False

    def run(self) -> None:
        """Look twice a second."""
        while not self.over:
            own, everything = resident_mb(self.pid)
            self.service_mb = max(self.service_mb, own)
            self.all_mb = max(self.all_mb, everything)
            time.sleep(0.5)


async def client(
    http: httpx.AsyncClient, body: bytes, number: int, duration_s: float
) -> dict[str, Any]:
    """Send a photograph and follow its job to the end, as the page does."""
    began = time.monotonic()
    asked = {"name": f"photo-{number}.jpg", "duration_s": duration_s, "seed": number}
    answer = await http.post("/api/listen", params=asked, content=body, headers=OCTETS)
    if answer.status_code != 202:
        return {"state": f"refused {answer.status_code}", "position": None}
    made, job = answer.json(), answer.json()["id"]
    accepted = time.monotonic() - began
    position = made["position"]
    while made["state"] not in ("done", "failed", "cancelled"):
        await asyncio.sleep(0.5)
        made = (await http.get(f"/api/jobs/{job}")).json()
        if position is None:
            position = made["position"]
    return {
        "state": made["state"], "position": position, "accepted_s": accepted,
        "took_s": time.monotonic() - began,
    }  # fmt: skip


def beat(url: str, over: Any, slowest_s: Any) -> None:
    """Ask /healthz four times a second, from a process of its own: the crowd's is busy."""
    with httpx.Client(base_url=url, timeout=120) as http:
        http.get("/healthz")
        while not over.is_set():
            began = time.monotonic()
            http.get("/healthz")
            slowest_s.value = max(slowest_s.value, time.monotonic() - began)
            time.sleep(0.25)


async def crowd(url: str, clients: int, duration_s: float) -> list[dict[str, Any]]:
    """Let all clients come at once; return what became of them."""
    limits = httpx.Limits(max_connections=2 * clients)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as http:
        body = PHOTO.read_bytes()
        told = await asyncio.gather(*(client(http, body, n, duration_s) for n in range(clients)))
        return list(told)


def load(data: Path, clients: int, workers: int, duration_s: float) -> None:
    """Fifty at once."""
    process, url = start(data, workers)
    watch = Watch(process.pid)
    try:
        httpx.get(f"{url}healthz", timeout=120)
        idle, _ = resident_mb(process.pid)
        watch.start()
        apart = multiprocessing.get_context("spawn")
        over, slowest_s = apart.Event(), apart.Value("d", 0.0)
        beating = apart.Process(target=beat, args=(url, over, slowest_s), daemon=True)
        beating.start()
        time.sleep(2)
        calm_s, slowest_s.value = slowest_s.value, 0.0
        began = time.monotonic()
        told = asyncio.run(crowd(url, clients, duration_s))
        took = time.monotonic() - began
        over.set()
        beating.join(10)
    finally:
        watch.over = True
        process.terminate()
        process.wait(20)
    states = [one["state"] for one in told]
    positions = sorted(one["position"] for one in told if one["position"] is not None)
    print(f"clients {clients}, workers {workers}, scenes of {duration_s:g} s")
    print("outcomes:", {state: states.count(state) for state in sorted(set(states))})
    print(f"lost: {clients - states.count('done')}")
    print(f"deepest place shown in the queue: {positions[-1] if positions else None}")
    accepted = [one["accepted_s"] for one in told if "accepted_s" in one]
    print(f"accepted after: median {statistics.median(accepted):.1f} s, last {max(accepted):.1f} s")
    print(f"all done after {took:.1f} s, {clients / took:.2f} jobs/s")
    print(
        f"slowest /healthz: {calm_s * 1000:.0f} ms before, "
        f"{slowest_s.value * 1000:.0f} ms meanwhile"
    )
    print(
        f"memory: the service {idle:.0f} MB idle, {watch.service_mb:.0f} MB at most; "
        f"with its workers {watch.all_mb:.0f} MB at most"
    )


def kill(data: Path, workers: int) -> None:
    """SIGKILL in the middle."""
    process, url = start(data, workers)
    with httpx.Client(base_url=url, timeout=120) as http:
        first = [
            http.post("/api/words", json={"words": "a dog barking", "duration_s": 1}).json()["id"]
            for _ in range(4)
        ]
        while not all(http.get(f"/api/jobs/{j}").json()["state"] == "done" for j in first):
            time.sleep(0.1)
        long = {"words": "surf on sand, thunder, a crowd, a motorway", "duration_s": 60}
        rest = [http.post("/api/words", json=long).json()["id"] for _ in range(8)]
        while http.get(f"/api/jobs/{rest[0]}").json()["state"] == "queued":
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    process, url = start(data, workers)
    with httpx.Client(base_url=url, timeout=120) as http:
        finished = [http.get(f"/api/jobs/{j}").json()["state"] for j in first]
        heard = sum(http.get(f"/api/jobs/{j}/scene").status_code == 200 for j in first)
        marked = [http.get(f"/api/jobs/{j}").json()["state"] for j in rest]
    process.terminate()
    process.wait(20)
    print(f"killed in the middle: {finished.count('done')} of {len(first)} finished jobs are there")
    print(f"  and {heard} of their scenes open; of {len(rest)} unfinished {marked.count('failed')}")
    print("  are marked failed")


def page(data: Path, runs: int) -> None:
    """First paint and weight, in Chromium with an empty cache."""
    program = shutil.which("chromium")
    if program is None:
        print("page: not measured (no Chromium here)")
        return
    from playwright.sync_api import sync_playwright

    process, url = start(data, 1)
    try:
        httpx.get(f"{url}healthz", timeout=120)
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=program,
                args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            )
            paints, weights = [], {}
            for run in range(runs):
                tab = browser.new_context().new_page()
                wire = tab.context.new_cdp_session(tab)
                wire.send("Network.enable")
                sizes: dict[str, float] = {}
                kinds: dict[str, str] = {}
                wire.on(
                    "Network.responseReceived",
                    lambda e, k=kinds: k.update({e["requestId"]: e["response"]["url"]}),
                )
                wire.on(
                    "Network.loadingFinished",
                    lambda e, s=sizes: s.update({e["requestId"]: e["encodedDataLength"]}),
                )
                tab.goto(url)
                tab.wait_for_function("() => window.earwitness !== undefined")
                tab.wait_for_function(
                    "() => performance.getEntriesByName('first-contentful-paint').length > 0"
                )
                tab.wait_for_timeout(300)
                paints.append(
                    tab.evaluate(
                        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                    )
                )
                if run == 0:
                    weights["page"] = sum(sizes.values())
                    tab.locator("#open-map").click()
                    tab.wait_for_function(
                        "() => document.documentElement.dataset.world === 'ready'"
                    )
                    tab.wait_for_timeout(1000)
                    weights["with the map"] = sum(
                        size
                        for key, size in sizes.items()
                        if "/api/world/" not in kinds.get(key, "")
                    )
                    weights["tiles and coast"] = sum(sizes.values()) - weights["with the map"]
                tab.context.close()
            browser.close()
    finally:
        process.terminate()
        process.wait(20)
    print(f"first contentful paint, {runs} runs: median {statistics.median(paints):.0f} ms, "
          f"worst {max(paints):.0f} ms")  # fmt: skip
    from earwitness.web.pages import pages

    # The map's own worker loads beside the page, out of sight of its network log: counted here.
    weights["every file of the page"] = sum(len(p.packed or p.body) for p in pages().values())
    for what, size in weights.items():
        print(f"weight on the wire, {what}: {size / 1000:.0f} kB")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--duration", type=float, default=2.0, help="seconds of each scene")
    parser.add_argument("--only", choices=["load", "kill", "page"])
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        if chosen.only in (None, "load"):
            load(data / "load", chosen.clients, chosen.workers, chosen.duration)
        if chosen.only in (None, "kill"):
            kill(data / "kill", chosen.workers)
        if chosen.only in (None, "page"):
            page(data / "page", 5)


if __name__ == "__main__":
    main()

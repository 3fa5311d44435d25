"""numpy as a peer: the protocol of serve.ts, its linear algebra alone. The one who starts it holds it to one thread."""

import json
import sys
import time

import numpy as np


def numbers(count, seed):
    """As in tasks.ts: the n-th state in closed form, so that no loop runs in Python."""
    power = np.uint32(1664525) ** np.arange(1, count + 1, dtype=np.uint32)
    sums = np.cumsum(np.concatenate(([1], power[:-1])), dtype=np.uint32)
    state = power * np.uint32(seed) + np.uint32(1013904223) * sums
    return state / 2.0**31 - 1


def tucker(x, ranks):
    """ST-HOSVD by Gram matrices."""
    core, factors = x.astype(np.float64), []
    for mode, rank in enumerate(ranks):
        unfolded = np.moveaxis(core, mode, 0)
        rest = unfolded.shape[1:]
        unfolded = unfolded.reshape(unfolded.shape[0], -1)
        factor = np.linalg.eigh(unfolded @ unfolded.T)[1][:, ::-1][:, :rank]
        core = np.moveaxis((factor.T @ unfolded).reshape(rank, *rest), 0, mode)
        factors.append(factor)
    return core, factors


def prepare(task):
    op = task["op"]
    if op == "svd" and "rank" not in task:
        a = numbers(task["rows"] * task["columns"], 1).reshape(task["rows"], task["columns"])
        return lambda: np.linalg.svd(a, full_matrices=False)
    if op == "eigh":
        a = np.triu(numbers(task["size"] ** 2, 1).reshape(task["size"], -1))
        a += np.triu(a, 1).T
        return lambda: np.linalg.eigh(a)
    if op == "tucker":
        x = numbers(int(np.prod(task["shape"])), 1).astype(np.float32).reshape(task["shape"])
        return lambda: tucker(x, task["ranks"])
    return None


def main():
    run, repeats = None, 1

    def measure(count):
        start = time.perf_counter()
        for _ in range(count):
            run()
        return (time.perf_counter() - start) * 1000 / count

    def answer(request):
        nonlocal run, repeats
        if request["kind"] == "round":
            return {"kind": "time", "ms": measure(repeats)}
        run = prepare(request["task"])
        if run is None:
            return {"kind": "unable"}
        end = time.perf_counter() + request["warmMs"] / 1000
        ms = measure(1)
        again = ms < 1000
        while again:
            ms = min(ms, measure(1))
            again = time.perf_counter() < end
        repeats = max(1, int(-(-request["leastMs"] // ms)))
        return {"kind": "ready", "ms": ms}

    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"kind": "failed", "message": str(error)}
        print(json.dumps(reply), flush=True)


main()

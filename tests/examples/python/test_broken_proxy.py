"""A test of your own client behind a broken proxy. Copy this file; pytest needs nothing but the
badproxy binary, on the PATH or in the variable BADPROXY."""

import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest


class Broken:
    """A proxy that plays a scenario. `proxy` and `target` are URLs."""

    def __init__(self, process):
        self.process = process
        ready = json.loads(process.stdout.readline())
        self.proxy, self.target = ready["proxy"], ready["target"]

    def events(self):
        """Stops the proxy and gives everything that has happened."""
        self.process.terminate()
        events = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait(10) == 0
        return events


@contextlib.contextmanager
def play(scenario):
    program = os.environ.get("BADPROXY", "badproxy")
    command = [program, "serve", scenario, "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Broken(process)
        finally:
            process.kill()


def fetch(proxy, target):
    """The code under test: in your test, call your own."""
    handler = urllib.request.ProxyHandler({"http": proxy, "https": proxy})
    with urllib.request.build_opener(handler).open(target, timeout=5) as response:
        return response.read()


def test_it_gives_up_when_the_proxy_closes_without_a_word():
    with play("reply/fin-before-reply") as broken:
        with pytest.raises(OSError, match="closed connection without response"):
            fetch(broken.proxy, broken.target)
        requests = [event for event in broken.events() if event["name"] == "connect:request"]
    assert 1 <= len(requests) <= 2

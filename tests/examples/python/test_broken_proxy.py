"""A test of your own client behind a broken proxy. Copy this file; pytest needs nothing but the
badproxy binary, on the PATH or in the variable BADPROXY."""

import contextlib
import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest


class Broken:
    """A proxy that plays a scenario. `proxy` and `target` are URLs, `ca` is the file that the client
    has to trust where the target is https."""

    def __init__(self, process):
        self.process = process
        ready = json.loads(process.stdout.readline())
        self.proxy, self.target, self.ca = ready["proxy"], ready["target"], ready["ca"]

    def events(self):
        """Stops the proxy and gives everything that has happened."""
        self.process.stdin.close()
        events = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait(10) == 0
        return events


@contextlib.contextmanager
def play(scenario):
    program = os.environ.get("BADPROXY", "badproxy")
    # It ends with its standard input: when the test is over, and also when the test dies.
    command = [program, "serve", scenario, "--format", "jsonl", "--until-eof"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield Broken(process)


def fetch(proxy, target, ca):
    """The code under test: in your test, call your own."""
    through = urllib.request.ProxyHandler({"http": proxy, "https": proxy})
    trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
    with urllib.request.build_opener(through, trusting).open(target, timeout=5) as response:
        return response.read()


def test_it_gives_up_when_the_proxy_closes_without_a_word():
    with play("reply/fin-before-reply") as broken:
        with pytest.raises(OSError, match="closed connection without response"):
            fetch(broken.proxy, broken.target, broken.ca)
        requests = [event for event in broken.events() if event["name"] == "connect:request"]
    assert 1 <= len(requests) <= 2


def test_it_refuses_a_certificate_that_has_expired():
    with play("tls/expired") as broken:
        with pytest.raises(OSError, match="certificate has expired"):
            fetch(broken.proxy, broken.target, broken.ca)
        assert "http:request" not in [event["name"] for event in broken.events()]

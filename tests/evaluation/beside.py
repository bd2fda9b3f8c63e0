"""A second process that runs commands, as a script: python -m tests.evaluation.beside

It reads a line of JSON for each command: {"command": "train", "words": […], "stop": "module:function", "about": text}.
Before the first call of that function in whose arguments the text is, it says {"stopped": true} and waits for a line.
At the command's end it says {"code": its exit code, "text": what it printed, to either stream}.
"""

import importlib
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from wavegan.base.quiet import import_quietly


def stops(original, about, say):
    """`original`, but it waits before its first call about `about`."""
    waiting = [True]

    def call(*arguments, **keywords):
        if waiting and about in repr(arguments):
            waiting.clear()
            say({"stopped": True})
            sys.stdin.readline()
        return original(*arguments, **keywords)

    return call


def run(command, words, stop, about, say):
    module, name = stop.split(":")
    module = importlib.import_module(module)
    original, text = getattr(module, name), io.StringIO()
    setattr(module, name, stops(original, about, say))
    try:
        with redirect_stdout(text), redirect_stderr(text):
            code = importlib.import_module(f"wavegan.cli.{command}").main(words)
    finally:
        setattr(module, name, original)
    say({"code": code, "text": text.getvalue()})


def main():
    import_quietly("wavegan.training.loop")
    out = sys.stdout

    def say(values):
        print(json.dumps(values), file=out, flush=True)

    say({"ready": True})
    for line in sys.stdin:
        run(**json.loads(line), say=say)


if __name__ == "__main__":
    main()

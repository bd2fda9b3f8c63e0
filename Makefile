# make train: a small WaveGAN on the built-in drum kit, trained for 3 minutes, then 6 sounds of each of its 8 kinds.
# make test:  lint, types and the test suite. make test-slow: what takes minutes more, thirty kills and longer fuzzing.
# All set up .venv first; the tests add their own tools to it. Every line here can be typed by hand.

PYTHON ?= python3
VENV = .venv
RUN = $(VENV)/bin/python

.PHONY: train test test-slow setup

train: $(VENV)/ready data/drums-8k/dataset.json
	$(RUN) train_wavegan.py --data data/drums-8k --preset tiny --minutes 3
	$(RUN) generate.py --per-class 6 --run runs/drums-8k
	@echo "all in a picture: sheet.png in the folder above, ordered by kind; the WAV files beside it are named by kind"
	@echo "play them:        $(VENV)/bin/python export.py --format web --run runs/drums-8k   (and open the page it names)"
	@echo "watch and listen: $(VENV)/bin/tensorboard --logdir runs   (and open the page it names)"
	@echo "more of a kind:   $(VENV)/bin/python generate.py --run runs/drums-8k --class kick --n 20"
	@echo "how good it is:   $(VENV)/bin/python evaluate.py --run runs/drums-8k"
	@echo "in your shell:    . $(VENV)/bin/activate"

test: $(VENV)/tools
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(RUN) -m pytest -n 2 --dist loadfile

test-slow: $(VENV)/tools
	$(RUN) -m pytest -m slow

setup: $(VENV)/tools

data/drums-8k/dataset.json: | $(VENV)/ready
	$(RUN) -m preprocess drums --sample-rate 8000 --length 4096 --out data/drums-8k

$(VENV)/ready: setup.cfg constraints.txt
	@echo "setting up $(VENV): TensorFlow and what else is needed, about 3 GB; this can take some minutes"
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/tools: $(VENV)/ready
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

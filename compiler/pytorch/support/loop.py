"""The training loop: batches in nnc's order, gradients, updates, reports, early stopping and checkpoints, in one process or several."""
import argparse
import inspect
import json
import math
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist

from . import checkpoint, data, draws, parallel


@dataclass
class Objective:
    """One loss, and what moves each parameter that it moves: `update(p, g, state, step, settings)` gives the new value."""

    loss: str
    updates: dict


@dataclass
class Program:
    name: str
    train: str
    fingerprint: str
    slots: list  # of (name, role)
    data: str | None
    fields: list
    seed: int
    duration: tuple  # ("epochs" or "steps", count)
    report_every: tuple
    objectives: list
    reports: list
    batch: int | None = None
    shuffle: bool = False
    drop_last: bool = False
    checkpoint_every: tuple | None = None
    patience: dict | None = None
    keep_best: dict | None = None
    keep_last: int = 1
    clip_norm: float | None = None
    clip_value: float | None = None
    accumulate: int = 1
    averages: dict = field(default_factory=dict)
    # Slots of models that follow others: (what makes the next value, the slot that it follows), in order.
    follows: dict = field(default_factory=dict)
    observed: list = field(default_factory=list)
    settings: list = field(default_factory=list)
    fold: int | None = None
    # Places in the program that look across the rows of a batch in a way that processes cannot share.
    across_rows: list = field(default_factory=list)


class Batches:
    def __init__(self, rows, batch, drop_last):
        self.rows = rows
        self.size = max(1, rows) if batch is None else batch if rows == 0 else min(batch, rows)
        exact = 1 if rows == 0 else rows / (batch or rows)
        self.per_epoch = math.floor(exact) if drop_last else math.ceil(exact)
        if self.per_epoch == 0:
            raise SystemExit(f"error: a batch of {batch} with drop_last leaves no step: there are only {rows} rows")

    def at(self, step):
        """(rows, epoch, place of the first in the epoch)"""
        start = step % self.per_epoch * self.size
        return self.size if self.rows == 0 else min(self.size, self.rows - start), step // self.per_epoch, start


def as_json(value, special=lambda v: None):
    """What JSON has no number for is null, or what `special` makes of it."""
    if isinstance(value, dict):
        return {key: as_json(v, special) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v, special) for v in value]
    return special(value) if isinstance(value, float) and not math.isfinite(value) else value


def is_better(better, value, best):
    if value is None or not math.isfinite(value):
        return False
    return best is None or (value < best if better == "lower" else value > best)


def watched_name(metric, values):
    return next((n for n in (f"val_{metric}", f"test_{metric}", metric) if n in values), None)


class Trainer:
    def __init__(self, program, model, initial, options):
        self.program = program
        self.model = model
        self.options = options
        self.parts, self.rows = data.load(program.data, program.fields) if program.data else ({}, {})
        self.batches = Batches(self.rows.get("train", 0), program.batch, program.drop_last)
        self.seed = program.seed if options.seed is None else options.seed
        draws.seed, draws.step, draws.epoch = self.seed, 0, 0
        self.step = 0
        self.means = {"rows": 0, "sums": {}}
        self.best = {"value": None, "step": 0}
        self.patience = {"value": None, "step": 0}
        self.parameters = dict(model.named_parameters())
        start = options.init or data.start()
        self.restore({**initial(), **checkpoint.load(start)[0]} if start else initial())
        self.order = (None, None)
        self.wrapped = self.wrap()
        self.log_file = None
        self.trace = []

    def wrap(self):
        """With several processes: one objective is left to DistributedDataParallel, which averages gradients while others are computed."""
        if parallel.processes() == 1 or len(self.program.objectives) != 1:
            return self.model
        from torch.nn.parallel import DistributedDataParallel

        moved = self.program.objectives[0].updates
        for name, p in self.parameters.items():
            p.requires_grad_(name in moved)
        # All processes compute the same buffers: those are not sent around.
        quiet = "forward_sync_buffers" if "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters else "broadcast_buffers"
        return DistributedDataParallel(self.model, find_unused_parameters=True, **{quiet: False})

    # State

    def restore(self, values):
        """All slots from tensors by name."""
        own = {**self.parameters, **dict(self.model.named_buffers())}
        self.state, self.average, draws.run = {}, {}, {}
        for name, role in self.program.slots:
            if name not in values:
                raise SystemExit(f"error: there is no value for {name}")
            value = values[name].to(self.options.device).clone()
            if name in own:
                with torch.no_grad():
                    own[name].copy_(value.reshape(own[name].shape))
            elif role == "average":
                self.average[name.rsplit("/", 1)[0]] = value
            elif role == "run":
                draws.run[name] = value
            else:
                param, key = name.rsplit("/", 1)
                self.state.setdefault(param, {})[key] = value
        for param in self.parameters:
            self.state.setdefault(param, {})

    def tensors(self):
        own = {**self.parameters, **dict(self.model.named_buffers())}
        all_ = {}
        for name, role in self.program.slots:
            if name in own:
                all_[name] = own[name].detach()
            elif role == "average":
                all_[name] = self.average[name.rsplit("/", 1)[0]]
            elif role == "run":
                all_[name] = draws.run[name]
            else:
                param, key = name.rsplit("/", 1)
                all_[name] = self.state[param][key]
        return all_

    # Steps

    def rows_of(self, step):
        count, epoch, start = self.batches.at(step)
        draws.step, draws.epoch = step, epoch
        first, own = parallel.share(count)
        train = self.parts.get("train")
        if not train:
            return []
        if self.order[0] != epoch:
            order = draws.row_order(self.batches.rows, epoch, self.seed, self.program.shuffle)
            self.order = (epoch, torch.from_numpy(order).to(self.options.device))
        rows = self.order[1][start + first : start + first + own]
        return [train[name][rows] for name in self.program.fields]

    def forward(self, module, fields):
        with torch.autocast(self.options.device.split(":")[0], torch.bfloat16, enabled=self.options.bf16):
            return module(*fields)

    def gradients(self, objective, results, last):
        """By the parameters that the objective moves, of the whole batch."""
        names = list(objective.updates)
        params = [self.parameters[name] for name in names]
        loss = results[objective.loss]
        if self.wrapped is not self.model:
            self.model.zero_grad(set_to_none=True)
            loss.backward()
            return {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in zip(names, params)}
        if not loss.requires_grad:
            return {n: torch.zeros_like(p) for n, p in zip(names, params)}
        found = torch.autograd.grad(loss, params, retain_graph=not last, allow_unused=True)
        found = [torch.zeros_like(p) if g is None else g for g, p in zip(found, params)]
        if parallel.processes() > 1:
            flat = torch.cat([g.reshape(-1) for g in found])
            dist.all_reduce(flat)
            flat /= parallel.processes()
            found = [part.reshape(p.shape) for part, p in zip(flat.split([p.numel() for p in params]), params)]
        return dict(zip(names, found))

    def clipped(self, found):
        program = self.program
        if program.clip_value is not None:
            found = {n: g.clamp(-program.clip_value, program.clip_value) for n, g in found.items()}
        if program.clip_norm is not None and found:
            norm = torch.stack([(g * g).sum() for g in found.values()]).sum().sqrt()
            scale = torch.clamp(program.clip_norm / (norm + 1e-6), max=1.0)
            found = {n: g * scale for n, g in found.items()}
        return found

    def slots(self):
        return {**self.parameters, **dict(self.model.named_buffers())}

    def make_step(self):
        """One step: what it computes, losses and reports as numbers."""
        program = self.program
        fields = self.rows_of(self.step)
        self.model.train()
        # What a forward pass makes of states that follow others does not count.
        slots = self.slots() if program.follows else {}
        following = {name: slots[name].detach().clone() for name in program.follows}
        results = self.forward(self.wrapped, fields)
        last = len(program.objectives) - 1
        found = [self.gradients(o, results, k == last) for k, o in enumerate(program.objectives)]
        if self.step == 0 and self.options.trace:
            checkpoint.save(os.path.join(self.options.trace, "gradients.safetensors"), {n: g for o in found for n, g in o.items()}, {})
        with torch.no_grad():
            updates = self.step // program.accumulate
            complete = (self.step + 1) % program.accumulate == 0
            if program.accumulate > 1:
                for gradients in found:
                    for name, g in gradients.items():
                        sums = self.state[name]
                        sums["grad_sum"] = sums["grad_sum"] + g / program.accumulate
                        gradients[name] = sums["grad_sum"]
            if complete:
                settings = [results[name] for name in program.settings]
                for objective, gradients in zip(program.objectives, [self.clipped(g) for g in found]):
                    for name, g in gradients.items():
                        p = self.parameters[name]
                        p.copy_(objective.updates[name](p, g, self.state[name], updates, settings))
                for name, average in program.averages.items():
                    self.average[name].copy_(average(self.average[name], self.parameters[name].detach(), updates))
                slots = self.slots() if program.follows else {}
                for name, (follow, leader) in program.follows.items():
                    following[name] = follow(following[name], slots[leader].detach(), updates)
                    slots[name].copy_(following[name])
                if program.accumulate > 1:
                    for gradients in found:
                        for name in gradients:
                            self.state[name]["grad_sum"] = torch.zeros_like(self.state[name]["grad_sum"])
            if not complete and program.follows:
                slots = self.slots()
                for name, value in following.items():
                    slots[name].copy_(value)
        numbers = self.numbers(results)
        self.require_finite(numbers)
        self.count(self.means, self.step, numbers)
        if self.options.trace:
            self.trace.append(numbers)
        self.step += 1

    def numbers(self, results):
        wanted = [o.loss for o in self.program.objectives] + self.program.reports
        scalars = {n: results[n] for n in wanted if not torch.is_tensor(results[n]) or results[n].dim() == 0}
        return {n: float(v.detach() if torch.is_tensor(v) else v) for n, v in scalars.items()}

    def reported(self, scalars):
        losses = {n: v for n, v in scalars.items() if n in {o.loss for o in self.program.objectives}}
        others = {n: v for n, v in scalars.items() if n not in losses}
        return {"loss": sum(losses.values()), **(losses if len(losses) > 1 else {}), **others}

    def require_finite(self, numbers):
        for objective in self.program.objectives:
            if not math.isfinite(numbers[objective.loss]):
                raise SystemExit(f"error[non-finite]: the loss is {numbers[objective.loss]} at step {self.step}")

    # Reports

    def is_report(self, step):
        return step % self.report_steps == 0

    def count(self, means, step, numbers):
        own_step = self.program.report_every[0] == "steps"
        if self.is_report(step - 1 if own_step else step):
            means["rows"], means["sums"] = 0, {}
        rows = self.batches.at(step)[0]
        means["rows"] += rows
        for name, value in self.reported(numbers).items():
            means["sums"][name] = means["sums"].get(name, 0.0) + value * rows

    def evaluate(self, part):
        """Loss and reports over all rows of a part, as one batch."""
        fields = self.parts[part]
        draws.step, draws.epoch = self.step, self.step // self.batches.per_epoch
        first, own = parallel.share(self.rows[part])
        self.model.eval()
        with self.averaged(), torch.set_grad_enabled(self.options.grad):
            results = self.forward(self.model, [fields[name][first : first + own] for name in self.program.fields])
        self.model.train()
        values = {n: v.detach().tolist() if torch.is_tensor(v) else v for n, v in results.items() if n not in self.program.settings}
        tables = {n: v for n, v in values.items() if isinstance(v, list)}
        return {**self.reported({n: float(v) for n, v in values.items() if n not in tables}), **tables}

    @contextmanager
    def averaged(self):
        """Parameters that have an average are it."""
        kept = {name: self.parameters[name].detach().clone() for name in self.average}
        with torch.no_grad():
            for name, average in self.average.items():
                self.parameters[name].copy_(average)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in kept.items():
                    self.parameters[name].copy_(value)

    def without_step(self):
        """What the next step would compute; nothing changes."""
        buffers = {n: b.clone() for n, b in self.model.named_buffers()}
        run = dict(draws.run)
        fields = self.rows_of(self.step)
        with torch.set_grad_enabled(self.options.grad):
            numbers = self.numbers(self.forward(self.model, fields))
        for name, b in self.model.named_buffers():
            b.copy_(buffers[name])
        draws.run = run
        return numbers

    def observe(self, metrics, step):
        for metric, value, at in self.program.observed:
            name = watched_name(metric, metrics)
            if name is not None:
                draws.run[value] = torch.tensor(float(metrics[name]))
                draws.run[at] = torch.tensor(step, dtype=torch.int32)

    def report(self):
        program, step = self.program, self.step
        is_last = step >= self.total
        held = {}
        if self.held_back and (self.evaluates or is_last):
            held = {f"{self.held_back}_{n}": v for n, v in self.evaluate(self.held_back).items()}
        draws.step = step
        if step > 0:
            self.observe(held, step)
        own_step = program.report_every[0] == "steps"
        is_start = step == self.first and self.means["rows"] == 0
        before = None
        means = self.means
        made = False
        if own_step or is_start:
            if is_last or program.patience or not own_step:
                means = {"rows": self.means["rows"], "sums": dict(self.means["sums"])}
                self.count(means, step, self.without_step())
            else:
                before = {n: t.clone() for n, t in self.tensors().items()} if program.keep_best else None
                self.make_step()
                made = True
        metrics = {n: total / means["rows"] for n, total in means["sums"].items()} | held
        epoch = step // self.batches.per_epoch
        self.say({"event": "report", "step": step, "epoch": epoch, "metrics": metrics})
        self.reported_at = step
        if step == 0:
            return
        awaits = any(watched_name(m, held) is None for m, _, _ in program.observed)
        if awaits and not is_last:
            self.observe(metrics, step + 1 if made else step)
        numbers = {n: v for n, v in metrics.items() if not isinstance(v, list)}
        self.stopped = self.has_run_out(numbers, step)
        if program.keep_best:
            value = numbers.get(watched_name(program.keep_best["metric"], numbers))
            if is_better(program.keep_best["better"], value, self.best["value"]):
                self.best = {"value": value, "step": step}
                self.save("best", step, before)

    def has_run_out(self, numbers, step):
        rule = self.program.patience
        if not rule:
            return False
        value = numbers.get(watched_name(rule["metric"], numbers))
        if is_better(rule["better"], value, self.patience["value"]):
            self.patience = {"value": value, "step": step}
        steps = rule["count"] * (self.batches.per_epoch if rule["unit"] == "epochs" else 1)
        return step - self.patience["step"] >= steps

    # Files

    def say(self, event):
        if parallel.rank() != 0:
            return
        line = json.dumps(as_json(event))
        print(line, flush=True)
        if self.options.out:
            with open(os.path.join(self.options.out, "log.jsonl"), "a") as file:
                file.write(line + "\n")

    def save(self, kind, step, tensors=None):
        if not self.options.out or parallel.rank() != 0:
            return
        position = {
            "train": self.program.train,
            "step": step,
            "epoch": step // self.batches.per_epoch,
            "seed": self.seed,
            "batch": self.batches.size,
            "rows": self.batches.rows,
            "best": self.best["value"],
            "best_step": self.best["step"],
            "patience": self.patience,
            "means": self.means,
            "fold": self.program.fold,
        }
        about = {"format": "nnc", "program": self.program.name, "fingerprint": self.program.fingerprint}
        about |= {key: json.dumps(as_json(value)) for key, value in position.items()}
        path = os.path.join(self.options.out, "checkpoints", f"{kind}.safetensors")
        checkpoint.save(path, self.tensors() if tensors is None else tensors, about)
        self.say({"event": "checkpoint", "kind": kind, "path": path, "step": step})

    def resume(self, path):
        if os.path.isdir(path):
            path = os.path.join(path, "checkpoints", "last.safetensors")
        tensors, about = checkpoint.load(path)
        self.restore(tensors)
        if "step" not in about:
            return
        read = {key: json.loads(about[key]) for key in ("step", "seed", "best", "best_step", "patience", "means")}
        self.step, self.seed = read["step"], read["seed"]
        draws.seed = self.seed
        self.means, self.patience = read["means"], read["patience"]
        self.best = {"value": read["best"], "step": read["best_step"]}

    # The run

    def run(self):
        program, options, batches = self.program, self.options, self.batches
        steps = lambda unit, count: count * batches.per_epoch if unit == "epochs" else count
        duration = ("epochs", options.epochs) if options.epochs is not None else program.duration
        self.total = options.steps if options.steps is not None else steps(*duration)
        self.report_steps = steps(*program.report_every)
        every = steps(*program.checkpoint_every) if program.checkpoint_every else 0
        if options.checkpoint_every:
            every = options.checkpoint_every
        self.held_back = next((part for part in ("val", "test") if part in self.parts), None)
        self.evaluates = program.report_every[0] == "epochs" or bool(program.patience or program.observed) or self.watches_held_back()
        self.first = self.step
        self.reported_at, self.stopped, saved = -1, False, -1
        rows = self.rows
        self.say({
            "event": "start", "log": 3, "program": program.name, "train": program.train, "rows": batches.rows,
            "val_rows": rows.get("val", 0), "test_rows": rows.get("test", 0), "batch": batches.size, "seed": self.seed,
            "step": self.step, "steps": self.total, "steps_per_epoch": batches.per_epoch, "processes": parallel.processes(),
            "parameters": sum(p.numel() for p in self.parameters.values()),
        })
        if options.trace:
            return self.traced()
        began = time.monotonic()
        while self.step < self.total and not self.stopped:
            if every and self.step > self.first and self.step % every == 0 and saved != self.step:
                self.save("last", self.step)
                saved = self.step
            if self.is_report(self.step) and self.reported_at != self.step:
                self.report()
            else:
                self.make_step()
        if self.step >= self.total and self.reported_at != self.step:
            self.report()
        seconds = time.monotonic() - began
        if saved != self.step:
            self.save("last", self.step)
        end = {"event": "end", "step": self.step, "seconds": seconds, "steps_per_second": (self.step - self.first) / max(seconds, 1e-9)}
        end["why"] = "stopped" if self.stopped else "finished"
        if program.keep_best and self.best["value"] is not None:
            prefix = f"{self.held_back}_" if self.held_back else ""
            end["best"] = {"metric": prefix + program.keep_best["metric"], **self.best}
        self.say(end)

    def traced(self):
        """Steps and nothing else, for comparison: losses of every step, first gradients, last values, an evaluation and predictions."""
        place = lambda name: os.path.join(self.options.trace, name)
        while self.step < self.total:
            self.make_step()
        held = self.evaluate(self.held_back) if self.held_back else {}
        predictions = {}
        if os.path.exists(place("feeds.safetensors")):
            feeds, about = checkpoint.load(place("feeds.safetensors"))
            predictions = self.predict(feeds, json.loads(about["rows"]))
        if parallel.rank() == 0:
            with open(place("losses.json"), "w") as file:
                json.dump(as_json({"steps": self.trace, "evaluation": held}, str), file)
            checkpoint.save(place("final.safetensors"), self.tensors(), {})
            checkpoint.save(place("predictions.safetensors"), predictions, {})

    def predict(self, feeds, rows):
        """`MODEL/input` -> `MODEL/output`, or `MODEL/output.K` of several. `rows`: how many there are, by model."""
        draws.step, draws.epoch, draws.seed = 0, 0, 0
        found = {}
        self.model.eval()
        with self.averaged(), torch.set_grad_enabled(self.options.grad):
            for name, count in rows.items():
                inputs = {key.split("/")[1]: value.to(self.options.device) for key, value in feeds.items() if key.startswith(f"{name}/")}
                module = getattr(self.model, name)
                parallel.alone(count)
                # A name that Python keeps for itself has an underscore behind it.
                taken = [p.rstrip("_") for p in inspect.signature(module.forward).parameters]
                results = module(*[inputs[p] for p in taken])
                if isinstance(results, tuple):
                    found |= {f"{name}/output.{k}": value for k, value in enumerate(results)}
                else:
                    found[f"{name}/output"] = results
        return found

    def watches_held_back(self):
        return bool(self.program.keep_best)


def main(program, make_model, initial, takes_gradients=False):
    parser = argparse.ArgumentParser(description=f"Trains {program.name}. Run by torchrun, its processes share every batch.")
    parser.add_argument("--steps", type=int, help="train so many steps instead of what the program says")
    parser.add_argument("--epochs", type=int, help="train so many epochs instead of what the program says")
    parser.add_argument("--seed", type=int, help="of initial values, order of rows and random draws")
    parser.add_argument("--out", help="folder for log.jsonl and checkpoints/, which nnc reads")
    parser.add_argument("--resume", help="go on from a checkpoint or a run folder")
    parser.add_argument("--init", help="start from these values (safetensors)")
    parser.add_argument("--checkpoint-every", type=int, help="save so often, in steps")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true", help="matrix products in bfloat16")
    parser.add_argument("--trace", help="folder for the losses of every step, the first gradients and the last values")
    options = parser.parse_args()
    options.grad = takes_gradients
    if "RANK" in os.environ:
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if options.device == "cuda":
            options.device = f"cuda:{local}"
            torch.cuda.set_device(local)
        dist.init_process_group("nccl" if options.device.startswith("cuda") else "gloo")
    if parallel.processes() > 1 and program.across_rows:
        places = "\n  ".join(program.across_rows)
        raise SystemExit(f"error: processes cannot share a batch whose rows are looked at together here:\n  {places}")
    # In place of nothing: PyTorch looks at every call once a default is set.
    if options.device != "cpu":
        torch.set_default_device(options.device)
    for folder in (options.out, options.trace):
        if folder:
            os.makedirs(folder, exist_ok=True)
    trainer = Trainer(program, make_model().to(options.device), initial, options)
    if options.resume:
        trainer.resume(options.resume)
    trainer.run()
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()

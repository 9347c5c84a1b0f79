"""Writes library.jsonl beside it: functions of the library, and what PyTorch or scikit-learn gives for them in double precision, with the
gradients of half of the sum of squares; and optimizers.jsonl: parameters after some steps. Run by hand: python test/data/library.py"""
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import sklearn.metrics as sk
import torch
import torch.nn.functional as F
from torch.optim import _muon

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)
lines = []


def normal(*shape, scale=1.0):
    # What f32 holds exactly.
    return torch.tensor(np.round(rng.normal(0, scale, shape) * 4096) / 4096)


def whole(low, high, *shape):
    return torch.tensor(rng.integers(low, high, shape), dtype=torch.int32)


def numbers(x):
    flat = x.detach().reshape(-1).tolist()
    return [float(f"{v:.10g}") if math.isfinite(v) else {"nan": "nan", "inf": "inf", "-inf": "-inf"}[str(v)] for v in flat]


def case(expression, function, fixed=(), **inputs):
    """Gradients by inputs that are floats, those in `fixed` aside."""
    moving = {k: v.clone().requires_grad_() for k, v in inputs.items() if v.is_floating_point() and k not in fixed}
    value = function(**{**inputs, **moving})
    if not isinstance(value, torch.Tensor):
        value = torch.tensor(float(value))
    gradients = {}
    if value.requires_grad:
        found = torch.autograd.grad((value * value).sum() / 2, list(moving.values()))
        gradients = {k: numbers(g) for k, g in zip(moving, found)}
    given = {
        k: {"dtype": "f32" if v.is_floating_point() else "i32", "shape": list(v.shape), "data": v.reshape(-1).tolist()}
        for k, v in inputs.items()
    }
    lines.append(json.dumps({"expression": expression, "inputs": given, "value": numbers(value.double()), "gradients": gradients}))


def einsum(equation, *operands):
    names = "abcd"[: len(operands)]
    case(
        f'einsum("{equation}", {", ".join(names)})',
        lambda **xs: torch.einsum(equation.replace(" ", ""), *xs.values()),
        **dict(zip(names, operands)),
    )


einsum("ij,jk->ik", normal(3, 4), normal(4, 2))
einsum("bhid,bhjd->bhij", normal(2, 2, 3, 2), normal(2, 2, 4, 2))
einsum("ii->i", normal(3, 3))
einsum("ii", normal(3, 3))
einsum("i,j", normal(2), normal(3))
einsum("ab,cd->ac", normal(2, 3), normal(2, 2))
einsum("...ij, ...jk -> ...ik", normal(2, 3, 4), normal(2, 4, 2))
einsum("bi,oij,bj->bo", normal(3, 2), normal(4, 2, 3), normal(3, 3))
einsum("ba", normal(2, 3))
einsum("i...->...", normal(2, 3, 2))
einsum("ij,ij,ij,i->j", normal(2, 3), normal(2, 3), normal(2, 3), normal(2))

far = torch.tensor([-7.3, -2.5, -0.25, 0.1, 0.5, 0.9, 1.0, 2.0, 3.5, 7.9, 8.0, 30.0]).float().double()
case("lgamma(x)", lambda x: torch.lgamma(x), x=far)
case("digamma(x)", lambda x: torch.digamma(x), x=far)
case("logaddexp(a, b)", lambda a, b: torch.logaddexp(a, b),
     a=torch.tensor([1.0, 0.5, 90.0, -3.0]), b=torch.tensor([1.0, -0.25, -90.0, 2.0]))
case("logcumsumexp(x, 1)", lambda x: torch.logcumsumexp(x, 1), x=normal(2, 5, scale=3))
case("f32(isnan(x / x))", lambda x: (x.detach() / x.detach()).isnan(), fixed=("x",), x=torch.tensor([0.0, 1.0]))
gaps = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [2.0, 1.0, -1.0]])
case("f32(any(x, 1)) + 2 * f32(all(x, 1))", lambda x: x.bool().any(1) * 1.0 + 2.0 * x.bool().all(1), fixed=("x",), x=gaps)
case("f32(any(x)) + f32(all(x))", lambda x: x.bool().any() * 1.0 + x.bool().all(), fixed=("x",), x=gaps)
case("median(x, 0)", lambda x: x.median(0).values, x=normal(4, 3))
case("median(x)", lambda x: x.median(), x=normal(3, 3))
case("median(x, -1, keepdim: true)", lambda x: x.median(-1, keepdim=True).values, x=normal(2, 5))
case("quantile(x, 0.3, 1)", lambda x: x.quantile(0.3, 1), x=normal(2, 5))
case("quantile(x, [0, 0.5, 0.9], keepdim: true)", lambda x: x.quantile(torch.tensor([0, 0.5, 0.9]), keepdim=True), x=normal(2, 3))
case("sort(x, 0, descending: true)[0]", lambda x: x.sort(0, descending=True).values, x=normal(4, 2))
case("f32(sort(x)[1])", lambda x: x.detach().sort(-1).indices, fixed=("x",), x=normal(2, 4))

image = normal(2, 3, 5, 6)
case("unfold(x, 3)", lambda x: F.unfold(x, 3), x=image[:1, :2])
case("unfold(x, [2, 3], dilation: [2, 1], padding: 1, stride: [1, 2])",
     lambda x: F.unfold(x, (2, 3), dilation=(2, 1), padding=1, stride=(1, 2)), x=image[:1, :2])
case("fold(x, [4, 5], 2)", lambda x: F.fold(x, (4, 5), 2), x=normal(1, 8, 12))
case("fold(x, [5, 4], [3, 2], padding: 1, stride: 2)", lambda x: F.fold(x, (5, 4), (3, 2), padding=1, stride=2), x=normal(2, 6, 9))
case("glu(x, 1)", lambda x: F.glu(x, 1), x=normal(2, 4, 3))
case("max_pool3d(x, 2, stride: 1)", lambda x: F.max_pool3d(x, 2, stride=1), x=normal(1, 2, 3, 3, 2))
case("adaptive_max_pool2d(x, [2, 4])", lambda x: F.adaptive_max_pool2d(x, (2, 4)), x=image[:1])
case("adaptive_max_pool2d(x, [5, 3])", lambda x: F.adaptive_max_pool2d(x, (5, 3)), x=image[:1])
case("weight_norm(v, g)", lambda v, g: torch._weight_norm(v, g, 0), v=normal(3, 2, 2), g=normal(3, 1, 1))

table = normal(6, 3)
bags = torch.tensor([[1, 4, 2], [0, 0, 5]], dtype=torch.int32)
for mode in ["mean", "sum", "max"]:
    case(f'embedding_bag(i, w, "{mode}")', lambda i, w: F.embedding_bag(i, w, mode=mode), i=bags, w=table)
    case(f'embedding_bag(i, w, "{mode}", padding_idx: 0)', lambda i, w: F.embedding_bag(i, w, mode=mode, padding_idx=0), i=bags, w=table)

p, t = normal(4, 3), normal(4, 3)
spread = torch.tensor(np.round(rng.uniform(0.2, 2, (4, 3)) * 4096) / 4096)
case("gaussian_nll(p, t, v)", lambda p, t, v: F.gaussian_nll_loss(p, t, v), p=p, t=t, v=spread)
case('gaussian_nll(p, t, v, full: true, eps: 0.5, reduction: "sum")',
     lambda p, t, v: F.gaussian_nll_loss(p, t, v, full=True, eps=0.5, reduction="sum"), p=p, t=t, v=spread)
answers = whole(0, 2, 4, 3).double()


def sigmoid_focal(x, y, alpha, gamma):  # torchvision.ops.sigmoid_focal_loss
    q = torch.sigmoid(x)
    loss = F.binary_cross_entropy_with_logits(x, y, reduction="none") * (1 - (q * y + (1 - q) * (1 - y))) ** gamma
    return (loss if alpha is None else (alpha * y + (1 - alpha) * (1 - y)) * loss).mean()


case("focal_loss(p, y)", lambda p, y: sigmoid_focal(p, y, 0.25, 2), fixed=("y",), p=p, y=answers)
case("focal_loss(p, y, alpha: none, gamma: 1.5)", lambda p, y: sigmoid_focal(p, y, None, 1.5), fixed=("y",), p=p, y=answers)
classes = whole(0, 3, 4)


def focal(p, y):
    loss = F.cross_entropy(p, y.long(), reduction="none")
    return ((1 - torch.exp(-loss)) ** 2 * loss).mean()


case("focal_loss(p, y)", focal, p=p, y=classes)
case("margin_ranking(p, t, y, margin: 0.25)", lambda p, t, y: F.margin_ranking_loss(p, t, y, margin=0.25), fixed=("y",),
     p=p, t=t, y=answers * 2 - 1)
case("quantile_loss(p, t, 0.9)", lambda p, t: torch.where(t > p, 0.9 * (t - p), 0.1 * (p - t)).mean(), p=p, t=t)
assert abs(sk.mean_pinball_loss(t, p, alpha=0.9) - torch.where(t > p, 0.9 * (t - p), 0.1 * (p - t)).mean()) < 1e-12
case('quantile_loss(p, t, [0.1, 0.5, 0.9], reduction: "sum")',
     lambda p, t: sum(torch.where(t > p, q * (t - p), (1 - q) * (p - t))[:, i].sum() for i, q in enumerate([0.1, 0.5, 0.9])), p=p, t=t)


def monai_dice(p, t):
    both, p_sum, t_sum = (p * t).sum((2, 3)), p.sum((2, 3)), t.sum((2, 3))
    return (1 - (2 * both + 1e-5) / (p_sum + t_sum + 1e-5)).mean()


case("dice(sigmoid(p), t)", lambda p, t: monai_dice(torch.sigmoid(p), t), fixed=("t",), p=normal(2, 2, 3, 3), t=whole(0, 2, 2, 2, 3, 3).double())

spelled = torch.tensor([[1, 2, 2], [3, 0, 0], [1, 1, 1]], dtype=torch.int32)
times, counts = torch.tensor([6, 4, 4], dtype=torch.int32), torch.tensor([3, 1, 3], dtype=torch.int32)
for reduction in ["mean", "sum"]:
    case(f'ctc_loss(log_softmax(x, 2), y, n, m, reduction: "{reduction}", zero_infinity: true)',
         lambda x, y, n, m: F.ctc_loss(F.log_softmax(x, 2), y.long(), n.long(), m.long(), reduction=reduction, zero_infinity=True),
         x=normal(6, 3, 4), y=spelled, n=times, m=counts)
case('ctc_loss(log_softmax(x, 2), y, n, m, blank: 3, reduction: "none")',
     lambda x, y, n, m: F.ctc_loss(F.log_softmax(x, 2), y.long(), n.long(), m.long(), blank=3, reduction="none"),
     x=normal(5, 2, 4), y=spelled[:2] % 3, n=torch.tensor([5, 5], dtype=torch.int32), m=torch.tensor([2, 0], dtype=torch.int32))

a = normal(2, 3, 3)
positive = a @ a.transpose(1, 2) + 0.5 * torch.eye(3)
case("cholesky(a)", lambda a: torch.linalg.cholesky(a), a=positive.float().double())
pivoted = torch.tensor([[0.0, 2.0, 1.0], [1.0, -1.0, 3.0], [4.0, 0.5, 0.0]])
case("solve(a, b)", lambda a, b: torch.linalg.solve(a, b), a=torch.stack([pivoted, a[1]]), b=normal(2, 3, 2))
case("solve(a, b)", lambda a, b: torch.linalg.solve(a, b), a=pivoted, b=normal(3))
case("inverse(a)", lambda a: torch.linalg.inv(a), a=torch.stack([pivoted, pivoted + a[1] / 4]))
case("cdist(a, b)", lambda a, b: torch.cdist(a, b), a=normal(2, 3, 4), b=normal(2, 2, 4))
case("cdist(a, b, 1)", lambda a, b: torch.cdist(a, b, p=1), a=normal(3, 4), b=normal(2, 4))
for n in [6, 7]:
    case("rfft(x)", lambda x: torch.view_as_real(torch.fft.rfft(x)), x=normal(2, n))

scores, truth = normal(40), whole(0, 2, 40).double()
scores[3], scores[7] = scores[4], scores[8]
case("auroc(x, y)", lambda x, y: sk.roc_auc_score(y, x), fixed=("x", "y"), x=scores, y=truth)
case("average_precision(x, y)", lambda x, y: sk.average_precision_score(y, x), fixed=("x", "y"), x=scores, y=truth)
case("mcc(x, y)", lambda x, y: sk.matthews_corrcoef(y, x > 0), fixed=("x", "y"), x=scores, y=truth)
several, right = normal(30, 4), whole(0, 4, 30)
case("mcc(x, y)", lambda x, y: sk.matthews_corrcoef(y, x.argmax(1)), fixed=("x",), x=several, y=right)


def corpus_bleu(p, r, n, end=None):
    def cut(row):
        return row if end is None or end not in row else row[: row.index(end)]

    pairs = [(cut(a), cut(b)) for a, b in zip(p.tolist(), r.tolist())]
    total = 0.0
    for k in range(1, n + 1):
        found = every = 0
        for hypothesis, reference in pairs:
            runs = [Counter(tuple(s[i : i + k]) for i in range(len(s) - k + 1)) for s in (hypothesis, reference)]
            found += sum((runs[0] & runs[1]).values())
            every += sum(runs[0].values())
        if found == 0:
            return 0.0
        total += math.log(found / every) / n
    lengths = [sum(len(pair[i]) for pair in pairs) for i in (0, 1)]
    return math.exp(total + min(0, 1 - lengths[1] / lengths[0]))


said, meant = whole(1, 4, 3, 9), whole(1, 4, 3, 8)
said[0, 5:], meant[1, 6:], said[2, 7:] = 0, 0, 0
case("bleu(p, r, 3)", lambda p, r: corpus_bleu(p, r, 3), p=said, r=meant)
case("bleu(p, r, 2, end: 0)", lambda p, r: corpus_bleu(p, r, 2, 0), p=said, r=meant)

Path(__file__).with_name("library.jsonl").write_text("\n".join(lines) + "\n")
print(len(lines), "cases")


# Optimizers: mean((x W^T + b - y)^2), from the same start.
start = {"weight": normal(3, 2), "bias": normal(3), "x": normal(4, 2), "y": normal(4, 3)}
STEPS = 4


def in_double(grad, coefficients, steps, eps):
    """torch.optim._muon._zeropower_via_newtonschulz, which computes in bfloat16."""
    a, b, c = coefficients
    tall = grad.size(0) > grad.size(1)
    y = grad.T if tall else grad
    y = y / y.norm().clamp(min=eps)
    for _ in range(steps):
        square = y @ y.T
        y = a * y + (b * square + c * square @ square) @ y
    return y.T if tall else y


_muon._zeropower_via_newtonschulz = in_double


class Lamb(torch.optim.Optimizer):
    """You et al. 2020, algorithm 2."""

    def __init__(self, params, lr, weight_decay):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                s = self.state.setdefault(p, {"m": 0.0, "v": 0.0, "t": 0})
                s["t"] += 1
                s["m"] = 0.9 * s["m"] + 0.1 * p.grad
                s["v"] = 0.999 * s["v"] + 0.001 * p.grad**2
                r = s["m"] / (1 - 0.9 ** s["t"]) / ((s["v"] / (1 - 0.999 ** s["t"])).sqrt() + 1e-6) + group["weight_decay"] * p.data
                p.data -= group["lr"] * p.data.norm() / r.norm() * r


def after(make):
    w, b = (start[k].clone().requires_grad_() for k in ("weight", "bias"))
    optimizers = make(w, b)
    for _ in range(STEPS):
        w.grad = b.grad = None
        ((start["x"] @ w.T + b - start["y"]) ** 2).mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    return {"weight": numbers(w), "bias": numbers(b)}


adamw = torch.optim.AdamW
runs = {
    "LAMB(lr: 0.05, weight_decay: 0.1)": lambda w, b: [Lamb([w, b], 0.05, 0.1)],
    "Adafactor(lr: 0.05, weight_decay: 0.1)": lambda w, b: [torch.optim.Adafactor([w, b], lr=0.05, weight_decay=0.1, eps=(1.1920929e-7, 1e-3))],
    "Adafactor(lr: 0.9, eps2: 1, beta2_decay: -0.5)": lambda w, b: [
        torch.optim.Adafactor([w, b], lr=0.9, eps=(1.1920929e-7, 1.0), beta2_decay=-0.5)],
    "Muon(lr: 0.05)": lambda w, b: [torch.optim.Muon([w], lr=0.05), adamw([b], lr=0.05, weight_decay=0.1)],
    'Muon(lr: 0.05, nesterov: false, momentum: 0.5, adjust_lr: "match_rms_adamw", decay_rank: 2)': lambda w, b: [
        torch.optim.Muon([w], lr=0.05, nesterov=False, momentum=0.5, adjust_lr_fn="match_rms_adamw"),
        adamw([b], lr=0.05, weight_decay=0),
    ],
    "AdamW(lr: 0.05, weight_decay: 0.5, decay_rank: 2)": lambda w, b: [adamw([w], lr=0.05, weight_decay=0.5), adamw([b], lr=0.05, weight_decay=0)],
    "Adam(lr: 0.05, weight_decay: 0.5, decay_rank: 2)": lambda w, b: [
        torch.optim.Adam([w], lr=0.05, weight_decay=0.5), torch.optim.Adam([b], lr=0.05)],
    "SGD(0.05, weight_decay: 0.5, decay_rank: 2)": lambda w, b: [torch.optim.SGD([w], 0.05, weight_decay=0.5), torch.optim.SGD([b], 0.05)],
}
given = {k: {"shape": list(v.shape), "data": v.reshape(-1).tolist()} for k, v in start.items()}
optimized = [json.dumps({"optimizer": name, "steps": STEPS, "start": given, "after": after(make)}) for name, make in runs.items()]
Path(__file__).with_name("optimizers.jsonl").write_text("\n".join(optimized) + "\n")
print(len(optimized), "optimizers")

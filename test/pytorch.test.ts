// `nnc export --to pytorch` and `nnc verify --against pytorch`: code as a user of PyTorch writes it, with the results of nnc.

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { exportPytorch } from "../compiler/cli/export-pytorch.js"
import { agrees } from "../compiler/cli/verify/differences.js"
import { verifyPytorch } from "../compiler/cli/verify/pytorch.js"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import { type DType, evalShape, printType } from "../compiler/ir/tensor.js"
import type { NdArray, Sample } from "../compiler/ops/op.js"
import { SourceNames } from "../compiler/pytorch/names.js"
import { SPELLINGS } from "../compiler/pytorch/ops/table.js"
import { made } from "../compiler/pytorch/ops/spelling.js"
import { Program } from "../compiler/pytorch/program.js"
import { atom, indented, Names } from "../compiler/pytorch/python.js"
import { wrapped } from "../compiler/pytorch/wrap.js"
import { Choices } from "./fuzz/choices.js"
import { randomProgram } from "./fuzz/program.js"
import { SMALL } from "./fuzz/run.js"
import { close } from "./support/close.js"
import { randomArgs } from "./support/gradcheck.js"
import { nnc, temporaryFolder } from "./support/nnc.js"
import { sectionOf } from "./support/onnx.js"
import { againstPytorch } from "./support/pytorch-batch.js"
import { python, runPython } from "./support/python.js"
import { random } from "./support/random.js"
import { computed, graphOf } from "./support/registry.js"

const examples = readdirSync("examples").filter((name) => existsSync(`examples/${name}/${name}.nn`))
// Its images are not part of the repository.
const hasData = (name: string): boolean => name !== "mnist" || existsSync("examples/mnist/data")
const NOTHING = new Map<string, string>()

const missing = python === undefined ? " (skipped: no Python with PyTorch here)" : ""

describe("the exported program", () => {
  const folder = temporaryFolder()

  it("has modules of torch.nn for layers, the program's names, and plain functions elsewhere", async () => {
    const out = join(folder, "cancer")
    const { rows, files } = await exportPytorch("examples/cancer/cancer.nn", { out, data: NOTHING })
    expect(rows).toEqual({ train: 398, val: 86, test: 85 })
    expect(files).toContain("nnc_torch/loop.py")
    const model = readFileSync(join(out, "model.py"), "utf8")
    expect(model).toContain(`class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.ModuleList([nn.Linear(30, 16), nn.Linear(16, 1)])

    def forward(self, x):
        return self.linear[1](F.relu(self.linear[0](x)))
`)
    const train = readFileSync(join(out, "train.py"), "utf8")
    expect(train).toContain(`    def forward(self, x, y):
        logits = self.Classifier(x)
        loss = parallel.mean(F.binary_cross_entropy_with_logits(logits, y, reduction="none"))
        accuracy = parallel.mean(((logits > 0.0) == (y > 0.5)).float())
        return {"loss.0": loss, "accuracy": accuracy}
`)
  })

  it("is refused by the line where PyTorch has no word for it", () => {
    const text = "model M(x: f32[B, 2]) -> f32[B, 1] { x |> Linear(1) }\n"
    writeFileSync(
      join(folder, "mixed.nn"),
      `${text}data d = array(x: [[0, 1], [1, 0]]) { x: f32[2] = column("x") }\ntrain on d {\n  minimize mean(M(x)) with SGD(lr: 0.1)\n  steps 2\n  precision mixed\n}\n`,
    )
    const { exit, err } = nnc(["export", "mixed.nn", "--to", "pytorch", "-o", "out"], { cwd: folder })
    expect(exit).toBe(1)
    expect(err).toContain("export-operation")
    expect(err).toContain("mixed.nn:3:1")
  })

  it("breaks long lines at the commas of their outermost brackets", () => {
    const part = "a".repeat(40)
    expect(wrapped(`    x = f(${part}, g(${part}, 1), ${part})`)).toBe(
      `    x = f(\n        ${part},\n        g(${part}, 1),\n        ${part},\n    )`,
    )
  })
})

it("verify names a Python that cannot be run, and one without PyTorch", () => {
  const { exit, err } = nnc(["verify", "examples/xor/xor.nn", "--python", "no-such-python"])
  expect(exit).toBe(1)
  expect(err).toContain("verify-python")
  expect(err).toContain("--python PATH")
})

const rounded = (array: NdArray, dtype: DType): NdArray => ({
  shape: array.shape,
  data: dtype === "f32" ? Float64Array.from(array.data, Math.fround) : array.data,
})
const ofRows = (sample: Sample): boolean => !JSON.stringify(sample).includes('"R"')
const DIMS = { B: 3, R: 7 }

// All samples in one process: PyTorch takes seconds to start.
describe.skipIf(missing)(`every operation in PyTorch${missing}`, () => {
  const folder = temporaryFolder()
  const cases = computed
    .filter(({ def }) => typeof SPELLINGS[def.name] === "function")
    .flatMap(({ def, name }) =>
      def.samples.filter(ofRows).map((sample, i) => ({ def, sample, name: `${name} ${i}` })),
    )

  it("computes what the interpreter does, on its samples", () => {
    cpSync("compiler/pytorch/support", join(folder, "nnc_torch"), { recursive: true })
    const functions: string[] = []
    const wanted: NdArray[] = []
    const inputs = cases.map(({ def, sample }, i) => {
      const graph = graphOf(def, sample)
      const args = randomArgs(sample.args, DIMS, sample.ranges).map((a, k) =>
        rounded(a, sample.args[k]!.dtype),
      )
      const values = Object.fromEntries(args.map((a, k) => [`a${k}`, a]))
      wanted.push(evalGraph(graph, { inputs: values, dims: DIMS }).outputs["y"]!)
      const params = args.map((_, k) => `a${k}`)
      const { section } = sectionOf(graph)
      const program = new Program([], new SourceNames([], []), [], [])
      const { lines, results } = program.free(
        section,
        new Names(params),
        { read: () => atom(""), update: () => "", scalar: (name) => atom(`draws.${name}`) },
        (name, _, type) => made(atom(name), type),
      )
      const drawn = def.name === "random_uniform" ? ["draws.step, draws.seed = int(a0), int(a1)"] : []
      const body = [...drawn, ...lines, `return ${results[0]!.code.text}`]
      functions.push([`def f${i}(${params.join(", ")}):`, ...indented(body)].join("\n"))
      return args.map((a, k) => ({
        shape: evalShape(sample.args[k]!.shape, DIMS),
        dtype: sample.args[k]!.dtype,
        data: [...a.data],
      }))
    })
    writeFileSync(join(folder, "inputs.json"), JSON.stringify(inputs))
    writeFileSync(join(folder, "functions.py"), `${HEADER}\n${functions.join("\n\n")}\n`)
    const found = JSON.parse(runPython(RUNNER, folder)) as readonly {
      readonly shape: number[]
      readonly data: (number | string)[]
      readonly error?: string
    }[]
    const wrong = found.flatMap(({ shape, data, error }, i) => {
      const { sample, name, def } = cases[i]!
      const half = [...sample.args, graphOf(def, sample).nodes[0]!.type].some(({ dtype }) => dtype === "f16")
      try {
        expect(error).toBeUndefined()
        expect(shape).toEqual(wanted[i]!.shape)
        close({ shape, data: Float64Array.from(data, toNumber) }, wanted[i]!, half ? 2e-3 : 1e-5, name)
        return []
      } catch (failure) {
        return [`${name} of ${sample.args.map(printType).join(", ")}\n${functions[i]}\n${String(failure)}`]
      }
    })
    expect(wrong).toEqual([])
  })
})

/** As Python writes them. */
const toNumber = (text: number | string): number =>
  text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text)
const HEADER =
  "import math\nimport torch\nimport torch.nn.functional as F\nfrom nnc_torch import draws, ops, parallel\n"
const RUNNER = `
import json, torch
import functions
from nnc_torch import parallel
TYPES = {"f32": torch.float32, "f16": torch.float16, "i32": torch.int32, "u32": torch.int64, "bool": torch.bool}
parallel.share(3)
out = []
for i, args in enumerate(json.load(open("inputs.json"))):
    given = [torch.tensor(a["data"]).to(TYPES[a["dtype"]]).reshape(a["shape"]) for a in args]
    try:
        y = getattr(functions, f"f{i}")(*given)
        y = y if torch.is_tensor(y) else torch.tensor(y)
        out.append({"shape": list(y.shape), "data": [str(v) for v in y.double().reshape(-1).tolist()]})
    except Exception as error:
        out.append({"shape": [], "data": [], "error": repr(error)})
print(json.dumps(out))
`

describe.skipIf(missing)(`against PyTorch${missing}`, () => {
  it.each(examples.filter(hasData))("%s trains the same", async (name) => {
    const { differences } = await verifyPytorch(`examples/${name}/${name}.nn`, {
      steps: 3,
      python: python!,
      data: NOTHING,
    })
    expect(differences.filter((d) => !agrees(d))).toEqual([])
    expect(differences.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["loss", "gradient", "parameter", "prediction"]),
    )
  })
})

describe.skipIf(missing)(`random programs against PyTorch${missing}`, () => {
  const folder = temporaryFolder()
  it("compute the same", async () => {
    const text = (seed: number): string => randomProgram(Choices.drawn(random(seed)), SMALL).text
    const programs = new Map(
      Array.from({ length: 12 }, (_, i) => [`seed-${i + 1}`, { text: text(i + 1) }] as const),
    )
    const { same, left, wrong } = await againstPytorch(folder, programs)
    expect(Object.fromEntries(wrong)).toEqual({})
    // `precision mixed` has no word there.
    expect([...left.values()].filter((why) => !why.includes("precision mixed"))).toEqual([])
    expect(same.size).toBeGreaterThan(6)
  })
})

// Programs whose constructs have another form in PyTorch.
const PROGRAMS = new Map([
  [
    "names that Python and nn.Module have taken",
    `layer Double()(x: f32[B, D]) -> f32[B, D] {
  param half: f32[D] = ones
  param in: f32[D] = ones
  state type: f32[D] = zeros
  if training { type <- type + 1 }
  x * half + in * 0.1 * type |> Linear(D)
}
model Net(x: f32[B, 2]) -> f32[B, 1] {
  let forward = Linear(4)
  let to = Linear(4)
  let lambda = Linear(1)
  param forward_2: f32[4] = ones
  lambda(Double()(forward(x) * forward_2 + to(x)) |> Double)
}
train on d {
  minimize mse(Net(x), y) + 0.01 * sum(square(Net.to.weight)) with Adam(lr: 0.01)
  keep average ema(decay: 0.9)
  batch 2, epochs 2
}
`,
  ],
  [
    "models that call models",
    `model Inner(x: f32[B, 2]) -> f32[B, 2] { x |> Linear(2) |> tanh }
fn half(h: f32[B, 2], x: f32[B, 2]) -> f32[B, 2] {
  let u = h * x
  normalize(u) + u
}
model Middle(x: f32[B, 2]) -> f32[B, 2] { half(Inner(x), x) }
model Net(x: f32[B, 2]) -> f32[B, 1] {
  param w: f32[2] = ones
  Middle(x) * w |> Linear(1)
}
train on d {
  minimize mse(Net(x), y) with Adam(lr: 0.01)
  batch 2, epochs 2
}
`,
  ],
  [
    "gradients by a value that is broadcast, groups of one value, draws in an evaluation",
    `data e = array(x: [[1, 2], [3, 1], [0, 2], [2, 2], [1, 1]], y: [1, 0, 2, 1, 1]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
  split val: 0.4
}
model Net(x: f32[B, 2]) -> f32[B, 3] {
  let h = expand(mean(x |> Linear(2), [1], keepdim: true), [B, 3])
  let slope = grad(sum(square(h * h) * 0.3), h)
  slope + (GroupNorm(2)(x) |> Linear(3)) + uniform([B, 3])
}
train one on e {
  minimize mse(mean(Net(x), 1, keepdim: true), y) with Adam(lr: 0.01)
  batch 2, epochs 2
}
train two on e {
  let rate = ReduceOnPlateau(0.1, patience: 0)()
  minimize l1(mean(Net(x), 1, keepdim: true), y) with SGD(lr: rate)
  accumulate 2
  batch 2, epochs 2
}
`,
  ],
  [
    "constants as inputs of a layer",
    `model Net(x: f32[N, 2]) -> f32[N, 1] { x |> Linear(4) |> tanh |> Linear(1) }
train on d {
  minimize mse(Net(x), y) + mean(square(Net(zeros([1, 2])) - 1)) + mean(Net(full([3, 2], 0.5))) with Adam(lr: 0.01)
  batch 2, epochs 2
}
`,
  ],
])

describe.skipIf(missing)(`programs against PyTorch${missing}`, () => {
  const folder = temporaryFolder()
  it(`compute the same: ${[...PROGRAMS.keys()].join(", ")}`, async () => {
    const rows = `data d = array(x: [[1, 2], [3, 1], [0, 2]], y: [1, 0, 2]) {
  x: f32[2] = column("x")
  y: f32[1] = column("y")
}
`
    const texts = [...PROGRAMS].map(([name, text]) => [name, { text: rows + text }] as const)
    const { left, wrong } = await againstPytorch(folder, new Map(texts))
    expect(Object.fromEntries([...left, ...wrong])).toEqual({})
  })
})

describe.skipIf(missing)(`several processes${missing}`, () => {
  const folder = temporaryFolder()
  it("share batches, whose losses, batch norm, dropout and metrics are those of one process", async () => {
    writeFileSync(
      join(folder, "net.nn"),
      `data d = csv("rows.csv") {
  x: f32[3] = columns("a", "b", "c") |> standardize
  y: i32 = column("y") |> classes(2)
  split train: 0.8, val: 0.2, seed: 1
}
model Net(x: f32[B, 3]) -> f32[B, 2] { x |> Linear(8) |> BatchNorm1d() |> relu |> Dropout(0.2) |> Linear(2) }
train on d {
  let scores = Net(x)
  minimize cross_entropy(scores, y) with Adam(lr: 0.01)
  report error = sqrt(mse(scores, f32(one_hot(y, 2))))
  report confusion = confusion_matrix(scores, y)
  batch 16, shuffle, epochs 3, seed 1
}
`,
    )
    const rows = Array.from(
      { length: 59 },
      (_, i) => `${(i * 7) % 11},${(i * 5) % 13},${i % 6},${i % 3 > 0 ? 1 : 0}`,
    )
    writeFileSync(join(folder, "rows.csv"), `a,b,c,y\n${rows.join("\n")}\n`)
    await exportPytorch(join(folder, "net.nn"), { out: join(folder, "out"), data: NOTHING })
    const found = JSON.parse(runPython(PROCESSES, join(folder, "out")).split("\n").at(-2)!) as {
      readonly steps: readonly Readonly<Record<string, number>>[]
      readonly evaluation: Readonly<Record<string, unknown>>
    }[]
    const [one, two] = found.map(({ steps }) => steps.flatMap((step) => Object.values(step)))
    expect(one!.length).toBe(24)
    one!.forEach((value, i) => expect(two![i]).toBeCloseTo(value, 5))
    expect(found[1]!.evaluation["confusion"]).toEqual(found[0]!.evaluation["confusion"])
  })
})

const PROCESSES = `
import json, os, subprocess, sys
env = {**os.environ, "OMP_NUM_THREADS": "1"}
args = ["train.py", "--steps", "12", "--device", "cpu", "--trace"]
subprocess.run([sys.executable, *args, "one"], check=True, env=env, stdout=subprocess.DEVNULL)
launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"]
subprocess.run([*launch, *args, "two"], check=True, env=env, stdout=subprocess.DEVNULL)
print(json.dumps([json.load(open(f"{name}/losses.json")) for name in ("one", "two")]))
`

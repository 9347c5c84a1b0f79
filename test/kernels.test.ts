/** Kernels against graphs: every operation because it is in the registry, and the patterns that fuse. */
import type { OpName } from "../compiler/ir/op-name.js"
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import type { Stmt } from "../compiler/ir/kernels/types.js"
import { eachStmt } from "../compiler/ir/kernels/walk.js"
import { BATCH, type Dim, tensorType, type TensorType } from "../compiler/ir/tensor.js"
import type { Value } from "../compiler/ops/op.js"
import { GPU, kernelDifferences, scheduled, SOFTWARE } from "./support/kernels.js"
import { computed, graphOf } from "./support/registry.js"

describe.each(computed)("$name", ({ def }) => {
  it.each(def.samples.map((sample, i) => ({ sample, i })))("sample $i", ({ sample }) => {
    const graph = graphOf(def, sample)
    for (const target of [SOFTWARE, GPU]) {
      expect(kernelDifferences(graph, { ranges: sample.ranges, target })).toEqual([])
    }
  })
})

const B = BATCH
const f32 = (...shape: Dim[]): TensorType => tensorType("f32", shape)
type Build = (g: GraphBuild) => void

function built(build: Build): Graph {
  const g = new GraphBuild("t")
  build(g)
  return g.finish()
}
const spread = (g: GraphBuild, x: Value, shape: readonly Dim[]): Value => g.apply("broadcast", [x], { shape })
const overLast = (g: GraphBuild, op: OpName, x: Value): Value => {
  const { shape } = x.type
  return spread(g, g.apply(op, [x], { axes: [shape.length - 1], keepdim: true }), shape)
}
function softmax(g: GraphBuild, x: Value): Value {
  const e = g.apply("exp", [g.binary("sub", x, overLast(g, "max", x))])
  return g.binary("div", e, overLast(g, "sum", e))
}
function layerNorm(g: GraphBuild, x: Value, n: number): Value {
  const mean = g.binary("div", overLast(g, "sum", x), g.constant(n))
  const d = g.binary("sub", x, mean)
  const variance = g.binary("div", overLast(g, "sum", g.binary("mul", d, d)), g.constant(n))
  return g.binary("div", d, g.apply("sqrt", [g.binary("add", variance, g.constant(1e-5))]))
}
function linear(g: GraphBuild, name: string, x: Value, into: number): Value {
  const from = x.type.shape.at(-1)!
  const w = g.slot(`${name}.weight`, f32(into, from), "param")
  const b = g.slot(`${name}.bias`, f32(into), "param")
  const y = g.apply("matmul", [x, g.apply("transpose", [w], { perm: [1, 0] })])
  return g.binary("add", y, spread(g, b, y.type.shape))
}
function adam(g: GraphBuild, name: string, type: TensorType, grad: (p: Value) => Value): void {
  const p = g.slot(name, type, "param")
  const m = g.slot(`${name}/m`, type, "optimizer")
  const v = g.slot(`${name}/v`, type, "optimizer")
  const d = grad(p)
  const mix = (old: Value, now: Value, beta: number): Value =>
    g.binary("add", g.binary("mul", old, g.constant(beta)), g.binary("mul", now, g.constant(1 - beta)))
  const newM = mix(m, d, 0.9)
  const newV = mix(v, g.binary("mul", d, d), 0.999)
  const root = g.binary("add", g.apply("sqrt", [newV]), g.constant(1e-8))
  const step = g.binary("div", g.binary("mul", newM, g.constant(0.01)), root)
  g.update(m, newM)
  g.update(v, newV)
  g.update(p, g.binary("sub", p, step))
}

/** Pattern, dispatches it takes, and how to build it. */
const patterns: [string, number, Build][] = [
  [
    "linear, bias, relu",
    1,
    (g) => g.output("y", g.binary("maximum", linear(g, "l", g.input("x", f32(B, 30)), 16), g.constant(0))),
  ],
  ["softmax", 1, (g) => g.output("y", softmax(g, g.input("x", f32(B, 10))))],
  ["softmax over long rows", 1, (g) => g.output("y", softmax(g, g.input("x", f32(2, 700))))],
  ["layer norm", 1, (g) => g.output("y", layerNorm(g, g.input("x", f32(B, 5, 12)), 12))],
  [
    "attention",
    2,
    (g) => {
      const [q, k, v] = ["q", "k", "v"].map((n) => g.input(n, f32(B, 2, 8, 4)))
      const scores = g.apply("matmul", [q!, g.apply("transpose", [k!], { perm: [0, 1, 3, 2] })])
      g.output("y", g.apply("matmul", [softmax(g, scores), v!]))
    },
  ],
  [
    "residual and layer norm after a linear",
    1,
    (g) => {
      const x = g.input("x", f32(B, 8))
      g.output("y", layerNorm(g, g.binary("add", x, linear(g, "l", x, 8)), 8))
    },
  ],
  [
    "two outputs of one chain",
    1,
    (g) => {
      const h = linear(g, "l", g.input("x", f32(B, 8)), 12)
      g.output("h", h)
      g.output("y", g.apply("tanh", [h]))
    },
  ],
  [
    "Adam in the kernel of the gradient",
    1,
    (g) => {
      const x = g.input("x", f32(B, 8))
      const dy = g.input("dy", f32(B, 12))
      const dw = g.apply("matmul", [g.apply("transpose", [x], { perm: [1, 0] }), dy])
      adam(g, "w", f32(12, 8), () => g.apply("transpose", [dw], { perm: [1, 0] }))
    },
  ],
  [
    "a slot read elsewhere after its update is known",
    2,
    (g) => {
      const w = g.slot("w", f32(4, 4), "param")
      g.output("y", g.apply("matmul", [g.input("x", f32(B, 4)), w]))
      g.update(w, g.binary("mul", w, g.constant(2)))
    },
  ],
  [
    "an update that reads its slot transposed goes through a copy",
    2,
    (g) => {
      const w = g.slot("w", f32(4, 4), "param")
      g.update(w, g.binary("add", w, g.apply("transpose", [w], { perm: [1, 0] })))
    },
  ],
  [
    "one slot follows another",
    1,
    (g) => {
      const w = g.slot("w", f32(6), "param")
      const old = g.slot("old", f32(6), "state")
      g.update(old, w)
      g.update(w, g.binary("mul", w, g.constant(2)))
    },
  ],
  [
    "scores of classes, and all that becomes of them in their row",
    1,
    (g) => {
      const scores = linear(g, "l", g.input("x", f32(B, 20)), 10)
      g.output("p", softmax(g, scores))
    },
  ],
  [
    "scores that are wanted themselves",
    2,
    (g) => {
      const scores = linear(g, "l", g.input("x", f32(B, 20)), 10)
      g.output("scores", scores)
      g.output("p", softmax(g, scores))
    },
  ],
  [
    "scores that are read in other rows, too",
    2,
    (g) => {
      const scores = linear(g, "l", g.input("x", f32(32, 20)), 10)
      const flipped = g.apply("flip", [scores], { axes: [0] })
      g.output("p", g.binary("mul", softmax(g, scores), flipped))
    },
  ],
  [
    "outputs that are inputs, views and constants",
    1,
    (g) => {
      const x = g.input("x", f32(B, 4))
      g.output("view", g.apply("reshape", [x], { shape: [4, B] }))
      g.output("scalar", g.constant(3))
      g.output("sum", g.apply("sum", [x], { axes: [0, 1], keepdim: false }))
    },
  ],
  [
    "a product, a sum and a table that do not wait for each other",
    1,
    (g) => {
      const x = g.input("x", f32(B, 8))
      g.output("y", linear(g, "l", x, 12))
      g.output("sums", g.apply("sum", [x], { axes: [0], keepdim: false }))
      g.output("doubled", g.binary("mul", g.slot("t", f32(3, 7), "param"), g.constant(2)))
    },
  ],
  [
    "updates with more slots than a kernel binds, by vector and by element",
    1,
    (g) => {
      const [x, dy] = [g.input("x", f32(B, 8)), g.input("dy", f32(B, 12))]
      const dw = g.apply("matmul", [g.apply("transpose", [x], { perm: [1, 0] }), dy])
      adam(g, "w", f32(12, 8), () => g.apply("transpose", [dw], { perm: [1, 0] }))
      adam(g, "b", f32(12), () => g.apply("sum", [dy], { axes: [0], keepdim: false }))
      adam(g, "c", f32(12), () => g.apply("max", [dy], { axes: [0], keepdim: false }))
    },
  ],
  [
    "a slot that one product reads and another one updates",
    2,
    (g) => {
      const [x, dy] = [g.input("x", f32(B, 8)), g.input("dy", f32(B, 12))]
      adam(g, "w", f32(8, 12), (w) => {
        g.output("dx", g.apply("matmul", [dy, g.apply("transpose", [w], { perm: [1, 0] })]))
        return g.apply("matmul", [g.apply("transpose", [x], { perm: [1, 0] }), dy])
      })
    },
  ],
  [
    "a chain too long for one expression",
    3,
    (g) => {
      const x = g.input("x", f32(B, 4))
      let y = x
      for (let n = 0; n < 300; n++) y = g.binary("add", g.binary("mul", y, g.constant(0.5)), x)
      g.output("y", g.apply("sum", [y], { axes: [1], keepdim: false }))
    },
  ],
  [
    "ten buffers",
    2,
    (g) => {
      const all = Array.from({ length: 10 }, (_, i) => g.input(`x${i}`, f32(B, 4)))
      g.output(
        "y",
        all.reduce((a, b) => g.binary("add", a, b)),
      )
    },
  ],
  ["one operation on ten tensors", 2, joinedOf(10)],
  ["one operation on sixty tensors", 10, joinedOf(60)],
]
/** So many tensors of different lengths, put together. */
function joinedOf(count: number): (g: GraphBuild) => void {
  return (g) => {
    const all = Array.from({ length: count }, (_, i) => g.input(`x${i}`, f32(B, 1 + (i % 3))))
    g.output("y", g.apply("concat", all, { axis: 1 }))
  }
}
describe("patterns", () => {
  it.each(patterns)("%s", (_name, dispatches, build) => {
    for (const target of [SOFTWARE, GPU]) {
      expect(kernelDifferences(built(build), { target, dims: { B: 5, R: 7 } })).toEqual([])
    }
    expect(scheduled(built(build)).dispatches.length).toBe(dispatches)
  })
})

describe("large and odd sizes", () => {
  const sizes: [string, number, number, number][] = [
    ["8x8 tiles", 64, 128, 40],
    ["a tail in rows and columns", 61, 36, 17],
    ["columns not in fours", 33, 30, 9],
    ["few outputs of a long sum", 4, 8, 600],
    ["one output", 1, 1, 1000],
  ]
  it.each(sizes)("matmul: %s", (_name, m, n, k) => {
    const graph = built((g) => {
      g.output("y", g.apply("matmul", [g.input("a", f32(m, k)), g.input("b", f32(k, n))]))
      g.output(
        "t",
        g.apply("matmul", [
          g.input("c", f32(B, k)),
          g.apply("transpose", [g.input("d", f32(n, k))], { perm: [1, 0] }),
        ]),
      )
    })
    for (const target of [SOFTWARE, GPU]) expect(kernelDifferences(graph, { target })).toEqual([])
  })
})

describe("updates of several parameters", () => {
  const sum = (g: GraphBuild, x: Value): Value => g.apply("sum", [x], { axes: [0], keepdim: false })
  // As clip_norm does: every gradient is needed before any can be used.
  const graph = built((g) => {
    const gradients = [5, 300, 512].map((n, i) => sum(g, g.input(`x${i}`, f32(B, n))))
    const norms = gradients.map((d) => sum(g, g.binary("mul", d, d)))
    const scale = norms.reduce((a, b) => g.binary("add", a, b))
    gradients.forEach((d, i) => adam(g, `p${i}`, d.type, () => g.binary("mul", d, scale)))
  })
  it("are one kernel over packs", () => {
    for (const target of [SOFTWARE, GPU]) expect(kernelDifferences(graph, { target })).toEqual([])
    const { packs, dispatches, kernels } = scheduled(graph)
    expect(packs.map((p) => [p.name, p.members.length])).toEqual([
      ["all_m", 3],
      ["gradients", 3],
      ["all_v", 3],
      ["parameters", 3],
    ])
    expect(kernels.find((k) => k.name === dispatches.at(-1)!.kernel)!.template).toContain("packed")
  })
})

describe("loops of a constant count on software adapters", () => {
  const serial = (body: readonly Stmt[]): (Stmt & { kind: "for" })[] => {
    const found: (Stmt & { kind: "for" })[] = []
    eachStmt(body, (s) => void (s.kind === "for" && s.on === "serial" && found.push(s)))
    return found
  }
  const window = { padding_low: [0, 0], padding_high: [0, 0], dilation: [1, 1] }
  const cases: readonly [string, "written out" | "kept", Build][] = [
    [
      "a pooling window of four places",
      "written out",
      (g) => {
        const x = g.input("x", f32(B, 6, 6))
        g.output("y", g.apply("window_max", [x], { ...window, window: [2, 2], strides: [2, 2] }))
      },
    ],
    [
      "a pooling window of nine",
      "kept",
      (g) => {
        const x = g.input("x", f32(B, 6, 6))
        g.output("y", g.apply("window_max", [x], { ...window, window: [3, 3], strides: [1, 1] }))
      },
    ],
    [
      "a tile of sums over three places",
      "kept",
      (g) => g.output("y", g.apply("matmul", [g.input("x", f32(64, 3)), g.input("w", f32(3, 64))])),
    ],
  ]
  it.each(cases)("%s: %s", (_name, how, build) => {
    const loops = scheduled(built(build)).kernels.flatMap((k) => serial(k.body))
    const known = loops.map((s) => s.extent.kind === "const")
    expect(known).toEqual(loops.map(() => how === "written out"))
    expect(loops.length).toBeGreaterThan(0)
  })
})

/** test: a bundle written by hand, so that the runtime is tested without the compiler.
 *  Linear regression y = w . x + b on two columns, mean squared error, SGD with momentum; rows are taken in an order that
 *  depends on seed and epoch, as a compiled step does. */
import type {
  BuildSpec,
  Bundle,
  DataSpec,
  DispatchSpec,
  KernelSpec,
  Manifest,
  RangeSpec,
  TrainSpec,
} from "../../runtime/bundle/format.js"

const HEAD = `struct Call { B: i32, R: i32, step: i32, epoch: i32, seed: u32, start: i32 }
@group(0) @binding(0) var<uniform> call: Call;
fn row(i: i32) -> u32 { return u32((call.start + i) * 7 + call.epoch * 3 + i32(call.seed)) % u32(call.R); }
`
const storage = (i: number, name: string, access: string): string =>
  `@group(1) @binding(${i}) var<storage, ${access}> ${name}: array<f32>;\n`

const kernels: readonly (KernelSpec & { readonly wgsl: string })[] = [
  {
    name: "init",
    file: "kernels/init.wgsl",
    bindings: [{ name: "w", access: "read_write" }],
    origins: ["tiny.nn:3:3"],
    wgsl: `${HEAD}${storage(0, "w", "read_write")}
@compute @workgroup_size(1) fn main() { w[0] = 0.5 + f32(call.seed) * 0.125; w[1] = -0.25; w[64] = 0.0; }`,
  },
  {
    name: "gradient",
    file: "kernels/gradient.wgsl",
    bindings: [
      { name: "x", access: "read" },
      { name: "y", access: "read" },
      { name: "w", access: "read" },
      { name: "g", access: "read_write" },
    ],
    origins: ["tiny.nn:7:12"],
    wgsl: `${HEAD}${storage(0, "x", "read")}${storage(1, "y", "read")}${storage(2, "w", "read")}${storage(3, "g", "read_write")}
@compute @workgroup_size(1) fn main() {
  var sum = vec4f(0.0);
  for (var i = 0; i < call.B; i++) {
    let r = row(i);
    let d = w[0] * x[2 * r] + w[1] * x[2 * r + 1] + w[64] - y[r];
    sum += vec4f(2.0 * d * x[2 * r], 2.0 * d * x[2 * r + 1], 2.0 * d, d * d);
  }
  let mean = sum / f32(call.B);
  g[0] = mean.x; g[1] = mean.y; g[2] = mean.z; g[64] = mean.w;
}`,
  },
  {
    name: "update",
    file: "kernels/update.wgsl",
    bindings: [
      { name: "w", access: "read_write" },
      { name: "v", access: "read_write" },
      { name: "g", access: "read" },
    ],
    origins: ["tiny.nn:8:3"],
    wgsl: `${HEAD}${storage(0, "w", "read_write")}${storage(1, "v", "read_write")}${storage(2, "g", "read")}
@compute @workgroup_size(3) fn main(@builtin(local_invocation_id) id: vec3u) {
  let at = select(id.x, 64u, id.x == 2u);
  v[at] = 0.9 * v[at] + g[id.x];
  w[at] = w[at] - 0.05 * v[at];
}`,
  },
  {
    name: "finite",
    file: "kernels/finite.wgsl",
    bindings: [
      { name: "w", access: "read" },
      { name: "v", access: "read" },
      { name: "bad", access: "read_write" },
    ],
    origins: ["tiny.nn:3:3"],
    wgsl: `${HEAD}${storage(0, "w", "read")}${storage(1, "v", "read")}${storage(2, "bad", "read_write")}
fn is_bad(x: f32) -> f32 { return select(0.0, 1.0, (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u); }
@compute @workgroup_size(1) fn main() {
  bad[0] = max(is_bad(w[0]), is_bad(w[1])); bad[1] = is_bad(w[64]);
  bad[2] = max(is_bad(v[0]), is_bad(v[1])); bad[3] = is_bad(v[64]);
}`,
  },
  {
    name: "output",
    file: "kernels/output.wgsl",
    bindings: [
      { name: "x", access: "read" },
      { name: "w", access: "read" },
      { name: "out", access: "read_write" },
    ],
    origins: ["tiny.nn:4:3"],
    wgsl: `${HEAD}${storage(0, "x", "read")}${storage(1, "w", "read")}${storage(2, "out", "read_write")}
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
  let r = id.x; out[r] = w[0] * x[2 * r] + w[1] * x[2 * r + 1] + w[64];
}`,
  },
]

const NAMES = ["Line.weight", "Line.bias", "Line.weight/v", "Line.bias/v"]

const STATE = (offset: number, bytes: number): RangeSpec => ({ arena: "state", offset, bytes })
const WORK = (offset: number, bytes: number): RangeSpec => ({ arena: "work", offset, bytes })
const FIELD = (name: string): RangeSpec => ({ arena: `data:${name}`, offset: 0, bytes: 0 })
const X = FIELD("x")
const Y = FIELD("y")
const W = STATE(0, 512)
const V = STATE(512, 512)
const G = WORK(0, 512)
const OUT: RangeSpec = { arena: "work.1", offset: 0, bytes: 16 }

const gradient: DispatchSpec = {
  kernel: "gradient",
  bindings: [X, Y, W, G],
  grid: [1, 1, 1],
  writes: [
    { binding: 3, name: "gradient", dtype: "f32", offset: 0, elements: 3 },
    { binding: 3, name: "loss", dtype: "f32", offset: 64, elements: 1 },
  ],
}
const update: DispatchSpec = { kernel: "update", bindings: [W, V, G], grid: [1, 1, 1], writes: [] }
const loss = { name: "loss.0", dtype: "f32", shape: [], ...WORK(256, 4) } as const
const dataInputs = (["x", "y"] as const).map((field) => ({
  name: field,
  dtype: "f32" as const,
  shape: ["R", field === "x" ? 2 : 1] as const,
  source: { kind: "data", field } as const,
}))

const MAX_BATCH = 4

export interface TinyOptions {
  readonly train?: Partial<TrainSpec>
  readonly data?: Partial<DataSpec>
  /** y of every row; x is made from the row number. */
  readonly rows?: number
  readonly badRow?: number
}

const BUILD: BuildSpec = {
  target: "webgpu-default",
  requires: {
    device: "webgpu",
    features: [],
    limits: { maxBufferSize: 1024, maxStorageBufferBindingSize: 1024, maxStorageBuffersPerShaderStage: 8 },
  },
  arenas: [
    { name: "state", bytes: 1024 },
    { name: "work", bytes: 1024 },
    // A dispatch may not bind an arena both to read and to write, so predictions have an arena of their own.
    { name: "work.1", bytes: 64 },
  ],
  slots: [
    { name: "Line.weight", dtype: "f32", shape: [2], role: "param", ...STATE(0, 8) },
    { name: "Line.bias", dtype: "f32", shape: [1], role: "param", ...STATE(256, 4) },
    { name: "Line.weight/v", dtype: "f32", shape: [2], role: "optimizer", ...STATE(512, 8) },
    { name: "Line.bias/v", dtype: "f32", shape: [1], role: "optimizer", ...STATE(768, 4) },
  ],
  programs: [
    {
      name: "init",
      maxBatch: 1,
      inputs: [],
      outputs: [],
      dispatches: [{ kernel: "init", bindings: [W], grid: [1, 1, 1], writes: [] }],
    },
    {
      name: "finite",
      maxBatch: 1,
      inputs: [],
      outputs: NAMES.map((name, i) => ({ name, dtype: "f32", shape: [], ...WORK(512 + 4 * i, 4) })),
      dispatches: [{ kernel: "finite", bindings: [W, V, WORK(512, 256)], grid: [1, 1, 1], writes: [] }],
    },
    {
      name: "step",
      maxBatch: MAX_BATCH,
      inputs: dataInputs,
      outputs: [loss],
      dispatches: [gradient, update],
    },
    { name: "evaluate", maxBatch: MAX_BATCH, inputs: dataInputs, outputs: [loss], dispatches: [gradient] },
    {
      name: "predict.Line",
      maxBatch: MAX_BATCH,
      inputs: [{ name: "x", dtype: "f32", shape: ["B", 2], source: { kind: "feed", range: WORK(0, 32) } }],
      outputs: [{ name: "output", dtype: "f32", shape: ["B", 1], ...OUT }],
      dispatches: [{ kernel: "output", bindings: [WORK(0, 32), W, OUT], grid: ["B", 1, 1], writes: [] }],
    },
  ],
  code: { language: "wgsl", kernels: kernels.map(({ name }) => name) },
}

export function tinyBundle({ train, data, rows = 10, badRow }: TinyOptions = {}): Bundle {
  const x = Array.from({ length: rows }, (_, i) => [Math.sin(i), Math.cos(i * 1.7)]).flat()
  const y = Array.from({ length: rows }, (_, i) =>
    i === badRow ? 3e38 : 1.5 * x[2 * i]! - 0.5 * x[2 * i + 1]! + 0.25,
  )
  const manifest: Manifest = {
    format: "nnc-bundle",
    version: 5,
    name: "tiny",
    compiler: "test",
    fingerprint: "tiny-1",
    builds: [BUILD],
    kernels: kernels.map(({ name, file, bindings, origins }) => ({ name, file, bindings, origins })),
    data: [
      {
        name: "points",
        source: {
          kind: "array",
          columns: [
            { column: "x", shape: [2], values: x },
            { column: "y", shape: [], values: y },
          ],
        },
        test: null,
        split: null,
        fields: [
          { name: "x", dtype: "f32", shape: [2], columns: ["x"], stages: [] },
          { name: "y", dtype: "f32", shape: [1], columns: ["y"], stages: [] },
        ],
        ...data,
      },
    ],
    trains: [
      {
        name: "train",
        data: "points",
        step: "step",
        evaluate: "evaluate",
        reports: [],
        batch: MAX_BATCH,
        shuffle: true,
        dropLast: false,
        seed: 1,
        duration: { unit: "steps", count: 40 },
        reportEvery: { unit: "steps", count: 10 },
        checkpointEvery: null,
        keepBest: null,
        ...train,
      },
    ],
    predicts: [
      {
        model: "Line",
        program: "predict.Line",
        inputs: [{ name: "x", shape: ["B", 2] }],
        feeds: [{ train: "train", inputs: [{ name: "x", data: "points", field: "x" }] }],
      },
    ],
    settings: [],
    files: {},
  }
  return { manifest, wgsl: new Map(kernels.map(({ name, wgsl }) => [name, wgsl])) }
}

/** runtime/bundle: the schema of manifests, since a bundle may come from a stranger.
 *  Guarantees: a value that passes is a `Manifest`: TypeScript checks that both agree.
 *  Not here:   whether its parts fit together (verify.ts). */
import * as v from "valibot"
import { BUNDLE_FORMAT, BUNDLE_VERSION, type ConditionSpec, type Manifest, type SizeExpr } from "./format.js"

/** Far beyond any device; numbers up to here can be added and multiplied by a few without losing digits. */
const MOST_BYTES = 2 ** 45
/** Steps and rows are 32-bit words on the device. */
const MOST_COUNT = 2 ** 31 - 1
/** A loop is recorded iteration by iteration. */
const MOST_ITERATIONS = 2 ** 20

const integer = v.pipe(v.number(), v.safeInteger())
const whole = (least: number, most: number) => v.pipe(integer, v.minValue(least), v.maxValue(most))
const count = whole(0, MOST_COUNT)
const positive = whole(1, MOST_COUNT)
const bytes = whole(0, MOST_BYTES)
const name = v.string()
const list = <T extends v.GenericSchema>(item: T) => v.array(item)

const dtype = v.picklist(["f32", "f16", "i32", "u32", "bool"])
const shape = list(count)
const size: v.GenericSchema<SizeExpr> = v.union([
  integer,
  v.picklist(["B", "R"]),
  v.strictTuple([
    v.picklist(["add", "sub", "mul", "div", "min", "max"]),
    v.lazy(() => size),
    v.lazy(() => size),
  ]),
])

const range = { arena: name, offset: bytes, bytes }
const arena = v.strictObject({ name, bytes })
const slot = v.strictObject({
  ...range,
  name,
  dtype,
  shape,
  role: v.picklist(["param", "state", "optimizer", "average", "run"]),
})
const kernel = {
  name,
  file: name,
  bindings: list(v.strictObject({ name, access: v.picklist(["read", "read_write"]) })),
  origins: list(v.string()),
}
const bound = v.nullable(v.strictObject({ below: count, or: v.nullable(integer), at: v.string() }))
const input = v.strictObject({
  name,
  dtype,
  shape: list(size),
  source: v.variant("kind", [
    v.strictObject({ kind: v.literal("data"), field: name }),
    v.strictObject({ kind: v.literal("feed"), range: v.strictObject(range) }),
  ]),
  bounds: v.exactOptional(list(bound)),
})
const dispatch = v.strictObject({
  kernel: name,
  bindings: list(v.strictObject(range)),
  grid: v.strictTuple([size, size, size]),
  writes: list(v.strictObject({ binding: count, name, dtype, offset: bytes, elements: size })),
})
const program = v.strictObject({
  name,
  maxBatch: count,
  inputs: list(input),
  outputs: list(v.strictObject({ ...range, name, dtype, shape: list(size) })),
  dispatches: list(dispatch),
  loops: v.exactOptional(
    list(v.strictObject({ first: count, end: count, iterations: whole(0, MOST_ITERATIONS) })),
  ),
  calls: v.exactOptional(v.strictObject({ most: whole(1, MOST_ITERATIONS), bytes })),
})

const stage = v.variant("kind", [
  v.strictObject({
    kind: v.literal("affine"),
    from: v.picklist(["standardize", "minmax", "scale"]),
    scale: list(v.number()),
    shift: list(v.number()),
  }),
  v.strictObject({ kind: v.literal("one_hot"), classes: count }),
  v.strictObject({ kind: v.literal("classes"), count }),
  v.strictObject({
    kind: v.literal("categories"),
    count,
    names: list(v.string()),
    unknown: v.exactOptional(v.literal(true)),
  }),
  v.strictObject({ kind: v.literal("hash"), count: positive }),
  v.strictObject({
    kind: v.literal("date"),
    format: v.string(),
    parts: list(
      v.picklist([
        "year",
        "month",
        "day",
        "weekday",
        "day_of_year",
        "hour",
        "minute",
        "second",
        "days",
        "seconds",
      ]),
    ),
  }),
  v.strictObject({ kind: v.literal("fill"), values: list(v.number()) }),
  v.strictObject({ kind: v.literal("missing") }),
  v.strictObject({ kind: v.literal("clip"), min: v.number(), max: v.number() }),
  v.strictObject({ kind: v.literal("log") }),
  v.strictObject({ kind: v.literal("log1p") }),
  v.strictObject({ kind: v.literal("bins"), count: positive, edges: list(list(v.number())) }),
  v.strictObject({ kind: v.literal("slice"), from: count, to: count }),
  v.strictObject({ kind: v.literal("vocabulary"), size: count, characters: v.string() }),
  v.strictObject({
    kind: v.literal("tokens"),
    path: v.string(),
    as: v.picklist(["ids", "mask"]),
    length: positive,
    json: v.exactOptional(v.string()),
  }),
])
const field = v.strictObject({
  name,
  dtype,
  shape,
  columns: list(v.string()),
  stages: list(stage),
  bounds: v.exactOptional(list(bound)),
  window: v.exactOptional(v.strictObject({ from: count, to: count })),
  stored: v.exactOptional(
    v.strictObject({
      type: v.picklist(["u8", "i8", "u16", "i16"]),
      values: v.picklist(["code", "one", "each"]),
    }),
  ),
})
const files = list(v.strictObject({ column: name, path: v.string() }))
const parts = v.exactOptional(list(v.string()))
const tables = v.exactOptional(list(v.string()))
const source = v.variant("kind", [
  v.strictObject({ kind: v.literal("csv"), path: v.string(), delimiter: v.string(), parts }),
  v.strictObject({ kind: v.picklist(["jsonl", "json", "npz"]), path: v.string(), parts }),
  v.strictObject({ kind: v.literal("parquet"), path: v.string(), tables }),
  v.strictObject({
    kind: v.literal("images"),
    path: v.string(),
    tables,
    column: v.nullable(v.string()),
    shape,
    skipDamaged: v.boolean(),
  }),
  v.strictObject({ kind: v.literal("text"), path: v.string(), window: positive, stride: positive }),
  v.strictObject({ kind: v.picklist(["idx", "npy"]), files }),
  v.strictObject({
    kind: v.literal("array"),
    columns: list(v.strictObject({ column: name, shape, values: list(v.number()) })),
  }),
])
const condition: v.GenericSchema<ConditionSpec> = v.variant("kind", [
  v.strictObject({
    kind: v.literal("cell"),
    column: v.string(),
    is: v.picklist(["==", "!=", "<", "<=", ">", ">="]),
    value: v.nullable(v.union([v.string(), v.number()])),
  }),
  v.strictObject({ kind: v.picklist(["all", "any"]), of: list(v.lazy(() => condition)) }),
])
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const data = v.strictObject({
  name,
  source,
  val: v.exactOptional(source),
  test: v.nullable(source),
  split: v.nullable(
    v.strictObject({
      train: share,
      val: v.exactOptional(share),
      test: share,
      seed: whole(0, Number.MAX_SAFE_INTEGER),
      folds: v.exactOptional(whole(2, MOST_ITERATIONS)),
      fold: v.exactOptional(whole(1, MOST_ITERATIONS)),
      stratify: v.exactOptional(name),
      group: v.exactOptional(name),
    }),
  ),
  windows: v.exactOptional(
    v.strictObject({
      length: positive,
      stride: positive,
      order: v.exactOptional(name),
      group: v.exactOptional(name),
    }),
  ),
  where: v.exactOptional(condition),
  fields: list(field),
})

const duration = { unit: v.picklist(["epochs", "steps"]), count }
const every = v.strictObject(duration)
const watched = { metric: name, better: v.picklist(["higher", "lower"]) }
const train = v.strictObject({
  name,
  data: v.nullable(name),
  beside: v.exactOptional(list(name)),
  step: name,
  evaluate: v.nullable(name),
  overall: v.exactOptional(name),
  totals: v.exactOptional(list(v.strictObject({ name, reduce: v.picklist(["sum", "max", "min"]) }))),
  reports: list(name),
  classReports: v.exactOptional(list(v.strictObject({ report: name, field: name }))),
  batch: v.nullable(positive),
  shuffle: v.boolean(),
  draw: v.exactOptional(v.strictObject({ by: v.picklist(["weight", "balanced"]), column: name })),
  dropLast: v.boolean(),
  accumulate: v.exactOptional(positive),
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  duration: every,
  reportEvery: every,
  checkpointEvery: v.nullable(every),
  keepBest: v.nullable(v.strictObject(watched)),
  patience: v.exactOptional(v.strictObject({ ...watched, ...duration })),
  keepLast: v.exactOptional(positive),
  memory: v.exactOptional(bytes),
  observed: v.exactOptional(list(v.strictObject({ metric: name, value: name, at: name }))),
})
const target = v.strictObject({
  output: name,
  data: name,
  field: name,
  as: v.variant("kind", [
    v.strictObject({ kind: v.literal("value") }),
    v.strictObject({ kind: v.literal("binary"), scores: v.picklist(["sigmoid", "probs"]) }),
    v.strictObject({
      kind: v.literal("classes"),
      count: positive,
      inner: positive,
      scores: v.picklist(["softmax", "sigmoid", "exp", "probs", "none"]),
    }),
  ]),
})
const predict = v.strictObject({
  model: name,
  program: name,
  inputs: list(v.strictObject({ name, shape: list(size) })),
  feeds: list(
    v.strictObject({
      train: v.nullable(name),
      inputs: list(v.strictObject({ name, data: v.nullable(name), field: v.nullable(name) })),
      targets: v.exactOptional(list(target)),
    }),
  ),
})

const build = v.strictObject({
  target: v.string(),
  requires: v.variant("device", [
    v.strictObject({
      device: v.literal("webgpu"),
      software: v.exactOptional(v.boolean()),
      features: list(v.string()),
      limits: v.strictObject({
        maxBufferSize: bytes,
        maxStorageBufferBindingSize: bytes,
        maxStorageBuffersPerShaderStage: count,
      }),
    }),
    v.strictObject({
      device: v.literal("wasm"),
      features: list(v.literal("simd")),
      limits: v.strictObject({ memory: bytes }),
    }),
  ]),
  arenas: list(arena),
  slots: list(slot),
  programs: list(program),
  code: v.variant("language", [
    v.strictObject({ language: v.literal("wgsl"), kernels: list(name) }),
    v.strictObject({
      language: v.literal("wasm"),
      file: name,
      sharedFlag: bytes,
      scratch: bytes,
      kernels: list(v.strictObject({ ...kernel, work: v.pipe(v.number(), v.finite(), v.minValue(0)) })),
    }),
  ]),
})

export const MANIFEST: v.GenericSchema<unknown, Manifest> = v.strictObject({
  format: v.literal(BUNDLE_FORMAT),
  version: v.literal(BUNDLE_VERSION),
  name,
  compiler: v.string(),
  fingerprint: v.string(),
  builds: v.pipe(list(build), v.minLength(1)),
  kernels: list(v.strictObject(kernel)),
  data: list(data),
  trains: list(train),
  predicts: list(predict),
  golden: v.exactOptional(
    list(
      v.strictObject({
        train: name,
        rows: positive,
        losses: list(v.pipe(v.number(), v.finite())),
        tolerance: v.pipe(v.number(), v.finite(), v.minValue(0)),
        skipped: v.exactOptional(v.string()),
      }),
    ),
  ),
  weights: v.exactOptional(
    list(
      v.strictObject({
        of: name,
        path: name,
        prefix: v.string(),
        rename: list(v.strictTuple([name, v.string()])),
        transpose: list(name),
      }),
    ),
  ),
  settings: list(
    v.strictObject({ name, value: v.union([v.number(), v.boolean(), v.string()]), set: v.boolean() }),
  ),
  files: v.record(v.string(), v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  large: v.exactOptional(v.record(v.string(), bytes)),
})

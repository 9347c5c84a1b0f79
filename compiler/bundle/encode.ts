/** bundle: Model + Plan + WGSL -> Bundle, the file format that the runtime reads.
 *  Assumes:    the plan verified; the data sets were read and their stages fitted.
 *  Guarantees: the manifest names everything a run needs; nothing of the compiler is referred to.
 *  Not here:   files and folders (`cli/write-bundle.ts`), hashes of files, the trainer module. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import {
  BUNDLE_FORMAT,
  BUNDLE_VERSION,
  type BuildSpec,
  type Bundle,
  type DataSpec,
  type DispatchSpec,
  type Manifest,
  type ProgramSpec,
  type RangeSpec,
  type TrainSpec,
} from "../../runtime/bundle/format.js"
import { callsOf } from "../ir/kernels/grid.js"
import type { Kernel, Stmt } from "../ir/kernels/types.js"
import { feedBounds, type RowBounds } from "../ir/model/index-bounds.js"
import { withoutOrigins } from "../ir/graph/build.js"
import { printGraphs } from "../ir/graph/text.js"
import type { Graph } from "../ir/graph/types.js"
import { rowReductionOf } from "../ir/graph/row-totals.js"
import type { Model, PredictSection, TrainSection } from "../ir/model/types.js"
import type { PlannedDispatch, PlannedProgram, Plan } from "../ir/plan/types.js"
import { bytesOf, evalShape } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import { feedsOf } from "./predict-feeds.js"
import { WASM_TARGET } from "../targets/index.js"
import { encodeBuilds, type WebgpuCode } from "./encode-builds.js"
import { kernelSpecs, type Layout } from "./requirements.js"
import { dimSize, extentSize } from "./sizes.js"

export interface EncodeInput extends EmittedCode {
  readonly name: string
  readonly compiler: string
  readonly model: Model
  readonly data: readonly DataSpec[]
  readonly settings?: Manifest["settings"]
}
/** Code for one device or both. */
export interface EmittedCode {
  /** The graphs, the same for every device. */
  readonly graphs: readonly Graph[]
  /** For several kinds of adapters; the first that suits one is taken. */
  readonly webgpu: readonly WebgpuCode[]
  readonly wasm?: { readonly plan: Plan; readonly module: EmittedModule } | undefined
}
/** A module of `codegen/wasm`. */
interface EmittedModule {
  readonly bytes: Uint8Array
  readonly sharedFlag: number
  readonly scratch: number
  readonly kernels: readonly { readonly name: string; readonly work: number }[]
}

export function encode({
  name,
  compiler,
  model,
  graphs,
  webgpu,
  wasm,
  data,
  settings = [],
}: EncodeInput): Bundle {
  const feeds = new Map(model.predicts.map((p) => [programOf(p), feedBounds(p.section)]))
  const { builds, kernels, wgsl } = encodeBuilds(webgpu, (plan) => encodePlan(plan, feeds))
  const all = wasm ? [...builds, encodeWasm(wasm.plan, wasm.module, feeds)] : builds
  const { programs } = all[0] ?? bug("a bundle for no device")
  const manifest: Manifest = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    name,
    compiler,
    fingerprint: fingerprintOf(graphs),
    builds: all,
    kernels,
    data,
    trains: model.trains.map((t) => encodeTrain(t, programs)),
    predicts: model.predicts.map((p) => ({
      model: p.model,
      program: programOf(p),
      inputs: p.section.inputs
        .filter(({ source }) => source.kind === "feed")
        .map(({ name, type }) => ({ name, shape: type.shape.map(dimSize) })),
      feeds: feedsOf(p, model),
    })),
    ...(model.weights.length > 0 && { weights: model.weights.map(({ origin: _, ...spec }) => spec) }),
    settings,
    files: {},
  }
  return { manifest, wgsl, ...(wasm ? { wasm: wasm.module.bytes } : {}) }
}

/** The bounds of the inputs of each prediction program. */
type FeedBounds = ReadonlyMap<string, ReturnType<typeof feedBounds>>
/** The parts of a build that depend on the device. */
function encodePlan(plan: Plan, feeds: FeedBounds): Layout {
  const kernels = new Map(plan.kernels.map((k) => [k.name, k]))
  return {
    arenas: plan.arenas,
    slots: plan.slots.map((s) => ({
      name: s.name,
      dtype: s.type.dtype,
      shape: evalShape(s.type.shape, { B: 1, R: 1 }),
      role: s.role,
      arena: s.arena,
      offset: s.offset,
      bytes: s.bytes,
    })),
    programs: plan.programs.map((p) => encodeProgram(p, kernels, feeds.get(p.name))),
  }
}

const WASM_FILE = "kernels.wasm"

function encodeWasm(
  plan: Plan,
  { sharedFlag, scratch, kernels }: EmittedModule,
  feeds: FeedBounds,
): BuildSpec {
  const layout = encodePlan(plan, feeds)
  return {
    target: WASM_TARGET.name,
    requires: {
      device: "wasm",
      features: ["simd"],
      limits: { memory: layout.arenas.reduce((sum, { bytes }) => sum + bytes, 0) },
    },
    ...layout,
    code: {
      language: "wasm",
      file: WASM_FILE,
      sharedFlag,
      scratch,
      kernels: kernelSpecs(plan).map((k, i) => ({ ...k, file: WASM_FILE, work: kernels[i]!.work })),
    },
  }
}

/** Names of the programs of a section: `step`, `evaluate`, or `pretrain.step` in a named section. */
export const programName = (section: string, kind: "step" | "evaluate" | "overall"): string =>
  section === "train" ? kind : `${section}.${kind}`

/** The same for whichever devices a program is compiled, and wherever its lines stand. */
export const fingerprintOf = (graphs: readonly Graph[]): string =>
  bytesToHex(sha256(utf8ToBytes(printGraphs(graphs.map(withoutOrigins)))))

const programOf = (p: PredictSection): string => `predict.${p.model}`

function encodeProgram(
  p: PlannedProgram,
  kernels: ReadonlyMap<string, Kernel>,
  bounds: ReadonlyMap<string, RowBounds> = new Map(),
): ProgramSpec {
  const buffers = new Map(p.buffers.map((b) => [b.id, b]))
  const buffer = (id: number): PlannedProgram["buffers"][number] => buffers.get(id) ?? bug(`no buffer ${id}`)
  const range = ({ arena, offset, bytes }: { arena: string; offset: number; bytes: number }) =>
    arena.startsWith("data:") ? { arena, offset: 0, bytes: 0 } : { arena, offset, bytes }
  const writes = (d: PlannedDispatch): DispatchSpec["writes"] => {
    const kernel = kernels.get(d.kernel) ?? bug(`no kernel ${d.kernel}`)
    const stored = storedBuffers(kernel.body)
    return d.bindings.flatMap((binding, i) =>
      stored.has(kernel.params[i]!.name)
        ? binding.buffers.map((id) => {
            const b = buffer(id)
            const offset = (b.offset - binding.offset) / bytesOf(b.dtype)
            return { binding: i, name: b.name, dtype: b.dtype, offset, elements: dimSize(b.elements) }
          })
        : [],
    )
  }
  return {
    name: p.name,
    maxBatch: p.maxBatch,
    inputs: p.inputs.map((i) => ({
      name: i.name,
      dtype: i.type.dtype,
      shape: i.type.shape.map(dimSize),
      ...(i.data === null && bounds.has(i.name) && { bounds: bounds.get(i.name)! }),
      source:
        i.data === null ? { kind: "feed", range: range(buffer(i.buffer)) } : { kind: "data", field: i.data },
    })),
    outputs: p.outputs.map((o) => ({
      name: o.name,
      dtype: o.type.dtype,
      shape: o.type.shape.map(dimSize),
      ...element(range(buffer(o.buffer)), o),
    })),
    dispatches: p.dispatches.map((d) => ({
      kernel: d.kernel,
      bindings: d.bindings.map(range),
      grid: [extentSize(d.grid[0]), extentSize(d.grid[1]), extentSize(d.grid[2])],
      writes: writes(d),
    })),
    ...(p.loops && { loops: p.loops }),
    ...callsIn(p, kernels),
  }
}

/** The range of an output that shares its buffer with others. */
function element(range: RangeSpec, { at, type }: PlannedProgram["outputs"][number]): RangeSpec {
  if (at === undefined) return range
  const bytes = bytesOf(type.dtype)
  return { arena: range.arena, offset: range.offset + at * bytes, bytes }
}

/** The outputs of one call lie together, those of the next behind them. */
function callsIn(p: PlannedProgram, kernels: ReadonlyMap<string, Kernel>): Pick<ProgramSpec, "calls"> {
  const [only] = p.dispatches
  const kernel = only && kernels.get(only.kernel)
  const most = kernel && callsOf(kernel)
  if (most === undefined) return {}
  return { calls: { most, bytes: p.outputs.reduce((sum, o) => sum + bytesOf(o.type.dtype), 0) } }
}

function storedBuffers(body: readonly Stmt[], into = new Set<string>()): Set<string> {
  for (const s of body) {
    if (s.kind === "store") into.add(s.buffer)
    else if (s.kind === "for") storedBuffers(s.body, into)
    else if (s.kind === "when") storedBuffers(s.then, into)
  }
  return into
}

function encodeTrain(t: TrainSection, programs: readonly ProgramSpec[]): TrainSpec {
  const [evaluate, overall] = (["evaluate", "overall"] as const).map((kind) =>
    programs.find(({ name }) => name === programName(t.name, kind)),
  )
  const s = t.settings
  return {
    name: t.name,
    data: t.data,
    ...(t.beside.length > 0 && { beside: t.beside }),
    step: programName(t.name, "step"),
    evaluate: t.data !== null && evaluate ? evaluate.name : null,
    ...(overall && evaluate && { overall: overall.name, totals: totalsOf(evaluate) }),
    reports: t.reports,
    ...(t.classReports.length > 0 && { classReports: t.classReports }),
    batch: s.batch,
    shuffle: s.shuffle,
    ...(s.draw && { draw: s.draw }),
    dropLast: s.dropLast,
    ...(s.accumulate > 1 && { accumulate: s.accumulate }),
    seed: s.seed,
    duration: s.duration,
    reportEvery: s.reportEvery,
    checkpointEvery: s.checkpointEvery,
    keepBest: s.keepBest,
    ...(s.patience !== null && { patience: s.patience }),
    ...(s.keepLast > 1 && { keepLast: s.keepLast }),
    ...(s.budget && { memory: s.budget.bytes }),
    ...(t.observed.length > 0 && { observed: t.observed }),
  }
}

const totalsOf = ({ outputs }: ProgramSpec): TrainSpec["totals"] =>
  outputs.flatMap(({ name }) => {
    const reduce = rowReductionOf(name)
    return reduce === undefined ? [] : [{ name, reduce }]
  })

// A reference case as its folder describes it (the README beside the cases has the format).

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { gunzipSync } from "node:zlib"
import { count, readNpy, readSafetensors, type DType, type NdArray, type Tensors } from "./arrays.js"

/** A value of a JSON file: null, and never undefined. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type Attrs = Readonly<Record<string, Json>>
export interface GraphNode {
  readonly out: string
  readonly op: string
  readonly in: readonly string[]
  readonly attrs?: Attrs
}
interface Pointer {
  readonly dataset: string
  readonly read: "idx" | "characters"
  readonly rows?: readonly [number, number]
  readonly start?: number
  readonly divide_by?: number
}
export interface InputSpec {
  readonly file?: string
  readonly pointer?: Pointer
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly batched: boolean
}
export interface CaseSpec {
  readonly name: string
  readonly inputs: Readonly<Record<string, InputSpec>>
  readonly params: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly trainable: boolean }>
  >
  readonly buffers: Readonly<Record<string, { readonly shape: readonly number[] }>>
  readonly graph: readonly GraphNode[]
  readonly output: string
  readonly loss: string
  readonly mode: "train" | "eval"
  readonly optimizer: Attrs & { readonly kind: string; readonly lr: number }
  readonly schedule: (Attrs & { readonly kind: string }) | null
  readonly clip: { readonly kind: string; readonly max_norm: number } | null
  readonly batching: {
    readonly rows: number | null
    readonly size: number | null
    readonly last_partial: "kept" | "dropped" | "none"
  }
  readonly steps: number
}
export interface Expected {
  readonly loss_steps: string | readonly number[]
  readonly loss_float64: readonly number[]
  readonly suggested_tolerance: number
  readonly predictions?: {
    readonly rows: number | null
    readonly shape: readonly number[]
    readonly float64: readonly number[]
  }
}
export interface Case {
  readonly spec: CaseSpec
  readonly expected: Expected
  readonly inputs: ReadonlyMap<string, NdArray>
  readonly init: Tensors
  readonly final: Tensors
  readonly grad0: Tensors
}

/** The cases in a folder, which may be one itself. */
export function caseFolders(folder: string, only?: string): string[] {
  const isCase = (path: string): boolean => existsSync(join(path, "case.json"))
  if (isCase(folder)) return [folder]
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => isCase(path) && (only === undefined || basename(path) === only))
}

export function readCase(folder: string): Case {
  const spec = readJson<CaseSpec>(join(folder, "case.json"))
  const inputs = Object.entries(spec.inputs).map(
    ([name, input]) => [name, readInput(folder, name, input)] as const,
  )
  return {
    spec,
    expected: readJson<Expected>(join(folder, "expected.json")),
    inputs: new Map(inputs),
    init: readSafetensors(join(folder, "init.safetensors")),
    final: readSafetensors(join(folder, "final.safetensors")),
    grad0: readSafetensors(join(folder, "grad0.safetensors")),
  }
}

/** The steps whose losses are listed. */
export function lossSteps({ loss_steps, loss_float64 }: Expected): readonly number[] {
  return typeof loss_steps === "string" ? loss_float64.map((_, step) => step) : loss_steps
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T

function readInput(folder: string, name: string, { file, pointer, dtype, shape }: InputSpec): NdArray {
  if (file !== undefined) return readNpy(join(folder, file))
  if (pointer === undefined) throw new Error(`the input ${name} has neither a file nor a pointer`)
  const values = readPointer(datasetPath(folder, pointer.dataset), pointer, shape)
  const data = dtype === "float32" ? Float32Array.from(values) : Int32Array.from(values)
  return { dtype, shape, data }
}

function readPointer(path: string, pointer: Pointer, shape: readonly number[]): ArrayLike<number> {
  const raw = readFileSync(path)
  const bytes = path.endsWith(".gz") ? gunzipSync(raw) : raw
  if (pointer.read === "characters") {
    const text = [...bytes.toString("utf8")]
    const ids = new Map([...new Set(text)].sort().map((character, id) => [character, id]))
    const start = pointer.start ?? 0
    return text.slice(start, start + count(shape)).map((character) => ids.get(character) ?? 0)
  }
  const rank = bytes[3] ?? 1
  const perRow = Array.from({ length: rank - 1 }, (_, i) => bytes.readUInt32BE(8 + 4 * i)).reduce(
    (a, b) => a * b,
    1,
  )
  const [from, to] = pointer.rows ?? [0, bytes.readUInt32BE(4)]
  const body = bytes.subarray(4 + 4 * rank)
  // In single precision, as the case's own data was made.
  const divide = pointer.divide_by ?? 1
  return Float32Array.from(body.subarray(from * perRow, to * perRow), (value) => Math.fround(value / divide))
}

/** `dataset` lies in the folder `data` beside one of the folders above the case. */
function datasetPath(folder: string, dataset: string): string {
  for (let above = resolve(folder); above !== dirname(above); above = dirname(above))
    for (const place of [join(above, "data", dataset), join(above, "shared/data", dataset)])
      if (existsSync(place)) return place
  throw new Error(`the data set ${dataset} is not here`)
}

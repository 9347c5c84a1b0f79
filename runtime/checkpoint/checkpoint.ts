/** runtime/checkpoint: slots and a place in a run <-> a safetensors file.
 *  Guarantees: all slots by name, bit for bit; a file of another program, or of another train section, is refused, with the
 *              names that differ.
 *  Not here:   files (save.ts, load.ts). */
import { type AnyManifest, slotsOf } from "../bundle/builds.js"
import type { SlotSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import type { SlotBytes } from "../exec/state.js"
import { NOTHING_YET, type BestSoFar } from "../train/best.js"
import type { SavedMeans } from "../train/means.js"
import { decodeTensors, encodeTensors, STORED_TYPES, type StoredTensor } from "./safetensors.js"

/** Where in a run the slots stood. Row order and random draws follow from these numbers alone. */
export interface Position {
  readonly train: string
  /** Updates made. */
  readonly step: number
  readonly epoch: number
  readonly seed: number
  /** Rows per step, and of the data set. */
  readonly batch: number
  readonly rows: number
  /** The best value so far of the metric that `keep best` names, and the step that it was seen at. */
  readonly best: number | null
  readonly best_step: number
  /** The same of the metric that `patience` follows. */
  readonly patience: BestSoFar
  /** The means of the steps since the last report. */
  readonly means: SavedMeans
  /** The fold of the data set whose rows were not trained on; null: it has no folds. */
  readonly fold: number | null
}
export interface Checkpoint {
  readonly place: string
  readonly slots: SlotBytes
  readonly fingerprint: string
  /** null: the file holds parameters only, as other tools write them. */
  readonly position: Position | null
}

export function encodeCheckpoint(
  manifest: AnyManifest,
  slots: SlotBytes,
  position: Position | null,
): Uint8Array<ArrayBuffer> {
  const place = position ? Object.entries(position).map(([key, value]) => [key, JSON.stringify(value)]) : []
  const metadata = { format: "nnc", ...programText(manifest), ...Object.fromEntries(place) }
  return encodeTensors({ tensors: storedSlots(manifest, slots), metadata })
}

/** The parameters, for other programs: transformers asks for this `format` of a file of PyTorch. `model`: its name was cut from the names of tensors. */
export function encodeWeights(
  manifest: AnyManifest,
  slots: SlotBytes,
  model?: string,
): Uint8Array<ArrayBuffer> {
  const metadata = { format: "pt", ...programText(manifest), ...(model !== undefined && { [MODEL]: model }) }
  return encodeTensors({ tensors: storedSlots(manifest, slots), metadata })
}
const MODEL = "model"

const programText = (manifest: AnyManifest): Readonly<Record<string, string>> => ({
  program: manifest.name,
  fingerprint: manifest.fingerprint,
  ...settingsText(manifest),
})

function storedSlots(manifest: AnyManifest, slots: SlotBytes): Map<string, StoredTensor> {
  return new Map(
    slotsOf(manifest).map(({ name, dtype, shape }): [string, StoredTensor] => {
      const bytes = slots.get(name)!
      return [name, { dtype: STORED_TYPES[dtype], shape, bytes: dtype === "bool" ? narrow(bytes) : bytes }]
    }),
  )
}

const SETTINGS = "settings"

/** Only those that `--set` gave: the others stand in the program. */
function settingsText({ settings }: AnyManifest): Readonly<Record<string, string>> {
  const set = settings.filter((each) => each.set).map(({ name, value }) => [name, String(value)])
  return set.length === 0 ? {} : { [SETTINGS]: JSON.stringify(Object.fromEntries(set)) }
}

/** Reads the text that `settingsText` wrote. */
export function settingsIn(
  place: string,
  metadata: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const set = valueOf(metadata[SETTINGS] ?? "{}")
  const entries = typeof set === "object" && set !== null ? Object.entries(set) : undefined
  if (entries?.every((entry): entry is [string, string] => typeof entry[1] === "string"))
    return new Map(entries)
  throw new RunError("checkpoint-corrupt", `${place} does not say with which settings it was trained`)
}

/** Refuses a file whose tensors are not the program's. Tensors of optimizers and of the run may
 *  be missing as a whole: then only parameters load. */
export function decodeCheckpoint(place: string, file: Uint8Array, manifest: AnyManifest): Checkpoint {
  const { tensors: stored, metadata } = decodeTensors(place, file)
  const model = metadata[MODEL]
  const tensors =
    model === undefined ? stored : new Map([...stored].map(([name, tensor]) => [`${model}.${name}`, tensor]))
  const position = positionOf(place, metadata)
  const declared = slotsOf(manifest)
  const expected = declared.filter(({ role }) => position !== null || role === "param" || role === "state")
  const complaints = [
    ...expected
      .filter(({ name }) => !tensors.has(name))
      .map((slot) => `"${slot.name}" ${typeOf(slot)} is missing`),
    ...expected.flatMap((slot) => mistyped(slot, tensors.get(slot.name))),
    ...[...tensors.keys()]
      .filter((name) => !declared.some((slot) => slot.name === name))
      .map((name) => `"${name}" is extra: the program has no such parameter`),
  ]
  if (complaints.length > 0) mismatch(place, manifest.name, metadata["program"], complaints)
  const slots = new Map(
    declared.flatMap(({ name, dtype }) => {
      const tensor = tensors.get(name)
      return tensor ? [[name, dtype === "bool" ? widen(tensor.bytes) : tensor.bytes] as const] : []
    }),
  )
  return { place, slots, fingerprint: metadata["fingerprint"] ?? "", position }
}

function mistyped(slot: SlotSpec, tensor: StoredTensor | undefined): string[] {
  if (!tensor) return []
  const same = tensor.dtype === STORED_TYPES[slot.dtype] && tensor.shape.join() === slot.shape.join()
  return same
    ? []
    : [
        `"${slot.name}" is ${tensor.dtype.toLowerCase()}[${tensor.shape.join(", ")}] there, ${typeOf(slot)} here`,
      ]
}

const typeOf = ({ dtype, shape }: SlotSpec): string => `${dtype}[${shape.join(", ")}]`

/** Refuses to go on in `section` with a checkpoint of another one: its steps and the state of its optimizers are not the same. */
export function checkSection({ place, position }: Checkpoint, section: string): void {
  if (position === null || position.train === section) return
  throw new RunError(
    "checkpoint-section",
    `${place} is of the train section "${position.train}", and this run is of "${section}"`,
    {
      help: `\`--train ${position.train}\` goes on with it; \`--init ${place}\` starts "${section}" from what it learned`,
    },
  )
}

/** Refuses a checkpoint of another fold: the rows that it was trained on would be those that are held back here. */
export function checkFold({ place, position }: Checkpoint, fold: number | null): void {
  const its = position?.fold ?? null
  if (its === null || fold === null || its === fold) return
  throw new RunError("checkpoint-fold", `${place} was trained on fold ${its}, and this is fold ${fold}`, {
    help: `use it with \`--fold ${its}\``,
  })
}

const MOST_SHOWN = 8

function mismatch(
  place: string,
  program: string,
  other: string | undefined,
  complaints: readonly string[],
): never {
  const shown = complaints.slice(0, MOST_SHOWN)
  if (complaints.length > shown.length) shown.push(`and ${complaints.length - shown.length} more`)
  const origin = other === undefined ? "" : `, it was written by "${other}"`
  throw new RunError(
    "checkpoint-mismatch",
    `${place} does not fit "${program}"${origin}:\n  ${shown.join("\n  ")}`,
    {
      help: "resume with the program that wrote it, or start a new run",
    },
  )
}

/** null: parameters alone. */
export function positionOf(place: string, metadata: Readonly<Record<string, string>>): Position | null {
  if (metadata["format"] !== "nnc" || metadata["step"] === undefined) return null
  const read = <T>(key: keyof Position, what: string, accepts: (value: unknown) => value is T): T => {
    const text = metadata[key] ?? ""
    const value = valueOf(text)
    if (accepts(value)) return value
    throw new RunError(
      "checkpoint-corrupt",
      `${place} is not a whole checkpoint: its metadata "${key}" is ${JSON.stringify(text)}, not ${what}`,
    )
  }
  /** Checkpoints of before it was written have none. */
  const later = <T>(
    key: keyof Position,
    what: string,
    accepts: (value: unknown) => value is T,
    without: T,
  ): T => (metadata[key] === undefined ? without : read(key, what, accepts))
  const count = (key: keyof Position): number => read(key, "a whole number", isCount)
  return {
    train: read("train", "a name", isString),
    step: count("step"),
    epoch: count("epoch"),
    seed: count("seed"),
    batch: count("batch"),
    rows: count("rows"),
    best: read("best", "a number or null", isNumberOrNull),
    best_step: later("best_step", "a whole number", isCount, 0),
    patience: later("patience", "a value and a step", isBestSoFar, NOTHING_YET),
    means: later("means", "sums over rows", isSavedMeans, NO_MEANS),
    fold: later("fold", "a number or null", isNumberOrNull, null),
  }
}

function valueOf(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

const isString = (value: unknown): value is string => typeof value === "string"
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
const isBestSoFar = (value: unknown): value is BestSoFar =>
  isObject(value) && isNumberOrNull(value["value"]) && isCount(value["step"])
const isSavedMeans = (value: unknown): value is SavedMeans =>
  isObject(value) &&
  isCount(value["rows"]) &&
  isObject(value["sums"]) &&
  Object.values(value["sums"]).every(isNumberOrNull)
const NO_MEANS: SavedMeans = { rows: 0, sums: {} }
const isNumberOrNull = (value: unknown): value is number | null => value === null || Number.isFinite(value)

/** bool is a byte in the file and a word on the device. */
const narrow = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(new Uint32Array(new Uint8Array(bytes).buffer))
const widen = (bytes: Uint8Array): Uint8Array => new Uint8Array(Uint32Array.from(bytes).buffer)

/** runtime/checkpoint: tensors of other tools -> slots, assigned by name and converted to the type of the slot.
 *  Guarantees: a tensor whose shape differs is refused with both names; tensors without a slot, and slots without a tensor, are listed.
 *  Not here:   files (weight-files.ts). */
import { type AnyManifest, slotsOf } from "../bundle/builds.js"
import type { SlotSpec, WeightsSpec } from "../bundle/format.js"
import type { OpenFile } from "../data/load.js"
import { RunError } from "../error.js"
import type { SlotBytes } from "../exec/state.js"
import { fromHalf } from "../bundle/half.js"
import { encodeNumbers, type NumberArray } from "../exec/values.js"
import { readArray, readWeights } from "./weight-files.js"
import { STORED_TYPES, type StoredTensor } from "./safetensors.js"

export type Tensors = ReadonlyMap<string, StoredTensor>
export type WeightNames = Pick<WeightsSpec, "prefix" | "rename" | "transpose">

export interface TakenWeights {
  readonly slots: SlotBytes
  /** The source of each value, for people. */
  readonly notes: readonly string[]
}

export const AS_THEY_ARE: WeightNames = { prefix: "", rename: [], transpose: [] }

/** Whether a file gives values to a slot: parameters, and the running values of layers. */
export const isLearned = ({ role }: SlotSpec): boolean => role === "param" || role === "state"

/** The tensors of a file for the slots below `of`: `Encoder`, or "" for whole names. */
export function takeWeights(
  place: string,
  tensors: Tensors,
  slots: readonly SlotSpec[],
  of: string,
  names: WeightNames,
): TakenWeights {
  const head = of === "" ? "" : `${of}.`
  const wanted = new Map(
    slots
      .filter((slot) => isLearned(slot) && slot.name.startsWith(head))
      .map((slot) => [slot.name.slice(head.length), slot]),
  )
  const taken = new Map<string, Uint8Array>()
  const from = new Map<string, string>()
  const beyond: string[] = []
  for (const [name, tensor] of tensors) {
    const here = nameHere(name, names)
    const slot = here === undefined ? undefined : wanted.get(here)
    if (here === undefined || slot === undefined) {
      beyond.push(name)
      continue
    }
    const before = from.get(here)
    if (before !== undefined)
      throw new RunError(
        "weights-mismatch",
        `"${before}" and "${name}" of ${place} would both become "${slot.name}"`,
        { help: "make `rename` tell them apart" },
      )
    from.set(here, name)
    const turned = names.transpose.some((pattern) => endsWith(here.split("."), pattern.split(".")))
    taken.set(slot.name, converted(place, name, tensor, slot, turned))
  }
  if (taken.size === 0) nothing(place, tensors, of, wanted)
  const left = [...wanted].filter(([name]) => !from.has(name)).map(([, slot]) => slot.name)
  return { slots: taken, notes: notesOn(place, of, { taken: taken.size, left, beyond }) }
}

/** Takes values from the files that the program names, except for slots whose values come from elsewhere. */
export async function takeDeclared(
  open: OpenFile,
  manifest: AnyManifest,
  elsewhere: SlotBytes,
): Promise<readonly TakenWeights[]> {
  const { weights = [] } = manifest
  const slots = slotsOf(manifest)
  const found: TakenWeights[] = []
  const arrays = new Set(weights.map(({ of }) => of))
  const byName = slots.filter(({ name }) => !arrays.has(name))
  for (const spec of weights) {
    const { of, path } = spec
    const one = slots.find(({ name }) => name === of)
    const own = one ? [one] : slots.filter((slot) => isLearned(slot) && slot.name.startsWith(`${of}.`))
    if (own.length > 0 && own.every(({ name }) => elsewhere.has(name))) continue
    if (one) found.push(takeArray(path, await readArray(open, path), one))
    else found.push(takeWeights(path, (await readWeights(open, path)).tensors, byName, of, spec))
  }
  return found
}

/** The array of a .npy file for one parameter. */
export function takeArray(place: string, tensor: StoredTensor, slot: SlotSpec): TakenWeights {
  return {
    slots: new Map([[slot.name, converted(place, "the array", tensor, slot, false)]]),
    notes: [`${place}: ${slot.name} from it`],
  }
}

function notesOn(
  place: string,
  of: string,
  { taken, left, beyond }: { taken: number; left: readonly string[]; beyond: readonly string[] },
): string[] {
  const whose = of === "" ? "" : ` of ${of}`
  return [
    `${place}: ${taken} ${taken === 1 ? "tensor" : "tensors"}${whose} from it`,
    ...(left.length > 0
      ? [`${place} has nothing for ${listed(left)}: first values as the program says`]
      : []),
    ...(beyond.length > 0 ? [`${place} also has ${listed(beyond)}, which nothing here takes`] : []),
  ]
}

const MOST_SHOWN = 6

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_SHOWN).join(", ")
  return names.length > MOST_SHOWN ? `${shown} and ${names.length - MOST_SHOWN} more` : shown
}

/** The name that a tensor of a file has below the model; undefined without the prefix. */
function nameHere(name: string, { prefix, rename }: WeightNames): string | undefined {
  if (!name.startsWith(prefix)) return undefined
  return rename
    .reduce(
      (parts, [there, here]) => replaced(parts, there.split("."), here.split(".")),
      name.slice(prefix.length).split("."),
    )
    .join(".")
}

/** Every run of parts that `there` stands for becomes `here`, where `*` is any one part. */
function replaced(parts: readonly string[], there: readonly string[], here: readonly string[]): string[] {
  const out: string[] = []
  for (let at = 0; at < parts.length;) {
    const run = parts.slice(at, at + there.length)
    if (!fits(run, there)) {
      out.push(parts[at++]!)
      continue
    }
    const stars = run.filter((_, i) => there[i] === "*")
    out.push(...here.filter((part) => part !== "").map((part) => (part === "*" ? stars.shift()! : part)))
    at += there.length
  }
  return out
}

const fits = (parts: readonly string[], pattern: readonly string[]): boolean =>
  parts.length === pattern.length && pattern.every((part, i) => part === "*" || part === parts[i])
const endsWith = (parts: readonly string[], pattern: readonly string[]): boolean =>
  fits(parts.slice(-pattern.length), pattern)

const shapeText = (shape: readonly number[]): string => `[${shape.join(", ")}]`

function converted(
  place: string,
  name: string,
  tensor: StoredTensor,
  slot: SlotSpec,
  turned: boolean,
): Uint8Array {
  const shape = turned ? tensor.shape.toReversed() : tensor.shape
  if (shape.join() !== slot.shape.join()) {
    const other = tensor.shape.toReversed().join() === slot.shape.join() && !turned
    throw new RunError(
      "weights-mismatch",
      `"${name}" of ${place} is ${tensor.dtype.toLowerCase()}${shapeText(tensor.shape)}, and "${slot.name}" is ${slot.dtype}${shapeText(slot.shape)}`,
      {
        help: other
          ? `\`transpose: ["${name.split(".").slice(-2).join(".")}"]\` turns it around`
          : "the program has other sizes than the one that made the file: change them, or leave the tensor out by another name",
      },
    )
  }
  if (tensor.dtype === STORED_TYPES[slot.dtype] && slot.dtype !== "bool" && !turned)
    return tensor.bytes.slice()
  const numbers = numbersIn(tensor)
  if (!numbers || (isWhole(slot) && !WHOLE.has(tensor.dtype)))
    throw new RunError(
      "weights-mismatch",
      `"${name}" of ${place} is ${tensor.dtype.toLowerCase()}, which does not become ${slot.dtype} as "${slot.name}" is`,
      { help: "save it as float32, float16 or bfloat16" },
    )
  return encodeNumbers(slot.dtype, turned ? transposed(numbers, tensor.shape) : numbers)
}

const isWhole = ({ dtype }: SlotSpec): boolean => dtype !== "f32" && dtype !== "f16"
const WHOLE = new Set(["BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64"])

function numbersIn({ dtype, bytes }: StoredTensor): NumberArray | undefined {
  const { buffer } = bytes.slice()
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer)
    case "F64":
      return new Float64Array(buffer)
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), fromHalf)
    case "BF16":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer)
    case "I32":
      return new Int32Array(buffer)
    case "U32":
      return new Uint32Array(buffer)
    case "I16":
      return new Int16Array(buffer)
    case "U16":
      return new Uint16Array(buffer)
    case "I8":
      return new Int8Array(buffer)
    case "U8":
    case "BOOL":
      return new Uint8Array(buffer)
    case "I64":
      return Float64Array.from(new BigInt64Array(buffer), Number)
    case "U64":
      return Float64Array.from(new BigUint64Array(buffer), Number)
    default:
      return undefined
  }
}

/** Axes in the other order. */
function transposed(values: NumberArray, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length)
  const sizes = shape.toReversed()
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)).reverse()
  const place = sizes.map(() => 0)
  let from = 0
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from]!
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++place[axis]! < sizes[axis]!) break
      from -= strides[axis]! * sizes[axis]!
      place[axis] = 0
    }
  }
  return out
}

function nothing(place: string, tensors: Tensors, of: string, wanted: ReadonlyMap<string, SlotSpec>): never {
  const prefixes = new Set(
    [...tensors.keys()].flatMap((name) => {
      const parts = name.split(".")
      return parts.map((_, i) => `${parts.slice(0, i).join(".")}.`).slice(1)
    }),
  )
  const best = [...prefixes]
    .map((prefix) => ({
      prefix,
      fits: [...wanted.keys()].filter((name) => tensors.has(prefix + name)).length,
    }))
    .sort((a, b) => b.fits - a.fits)[0]
  const [first] = tensors.keys()
  const [here] = wanted.keys()
  throw new RunError("weights-mismatch", `nothing in ${place} is for ${of === "" ? "this program" : of}`, {
    help:
      best && best.fits > 0
        ? `with the prefix "${best.prefix}" there are ${best.fits} of ${wanted.size}: \`from "FILE"(prefix: "${best.prefix}")\` in the program`
        : `it has "${first ?? ""}", and ${of === "" ? "the program" : of} has "${here ?? ""}": \`rename\` makes one of the other`,
  })
}

/** check: the checker's interface to every stage of a field. */
import type { ColumnSelection, FieldStage } from "../../../ir/model/types.js"
import { printType, type TensorType } from "../../../ir/tensor.js"
import { complain } from "../../report.js"
import type { Env } from "../../env.js"
import { bindData, numberOf, type DataCall } from "../args.js"

export interface StageRule<S extends FieldStage> {
  /** The stage that is written here, of a field of that type. Undefined after a diagnostic. Left out: programs do not write it, a source puts it there. */
  check?(env: Env, call: DataCall, type: TensorType | undefined): S | undefined
  /** The fault of a stage at its place: with the type of the field, or the stages beside it. */
  refuse?(stage: S, at: StagePlace): Refusal | undefined
  /** Its values are whole numbers from 0 to this, exclusive. */
  count?(stage: S): number
  /** How many values it makes of each, and a word for them; left out: one, or as many as the type of the field says. */
  perValue?(stage: S): { readonly count: number; readonly noun: string }
}

/** A field, and which of its stages is meant. */
export interface StagePlace {
  readonly name: string
  readonly type: TensorType
  readonly columns: ColumnSelection
  readonly stages: readonly FieldStage[]
  readonly index: number
  /** One of the stages is `one_hot`. */
  readonly encoded: boolean
}

export interface Refusal {
  readonly message: string
  readonly label: string
  readonly help?: string
}

/** Refuses arguments of a stage that takes none. */
export function noArguments(env: Env, { name, args, span }: DataCall): boolean {
  return args.length === 0 || refused(env, span, `\`${name}\` takes no arguments`, `${args.length} given`)
}

/** The one number that a stage takes. `counts`: the unit that it counts, so that it is whole and at least 1; undefined: any number. */
export function oneNumber(
  env: Env,
  call: DataCall,
  { argument, counts }: { readonly argument: string; readonly counts?: string },
): number | undefined {
  const { name, args, span } = call
  if (args.length !== 1) {
    refused(env, span, `\`${name}\` takes one number`, `${args.length} given`)
    return undefined
  }
  const accepted = { names: [argument], written: `${name}(2)`, code: "data-stage" } as const
  const arg = bindData(env, call, accepted)?.get(argument)
  const n = arg && numberOf(env, arg.value, `the argument of \`${name}\``)
  if (n === undefined) return undefined
  if (counts === undefined ? Number.isFinite(n) : Number.isInteger(n) && n >= 1) return n
  refused(env, span, `\`${name}\` takes a number${counts ? ` of ${counts}` : ""}, not ${n}`, `${n}`)
  return undefined
}

function refused(env: Env, span: DataCall["span"], message: string, label: string): false {
  complain(env, { code: "data-stage", message, span, label })
  return false
}

/** Refuses an integer field of a stage that gives fractions. */
export function needsF32({ kind }: FieldStage, { name, type }: StagePlace): Refusal | undefined {
  if (type.dtype === "f32") return undefined
  return { message: `\`${kind}\` gives f32, and \`${name}\` is ${printType(type)}`, label: printType(type) }
}

/** `subject`: the start of a sentence such as `classes are i32 numbers`. */
export function needsI32(subject: string, { name, type }: StagePlace): Refusal | undefined {
  if (type.dtype === "i32") return undefined
  return {
    message: `${subject}, and \`${name}\` is ${printType(type)}`,
    label: printType(type),
    help: "write `i32`",
  }
}

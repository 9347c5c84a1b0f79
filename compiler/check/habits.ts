/** check: names, members and arguments as people write them with PyTorch, Keras and Python -> their spelling here.
 *  Not here:   the table itself (source/habits.ts), habits that the parser handles (grammar/habits.ts). */
import type { FieldExpr, LayerDecl, Param } from "../ir/ast/types.js"
import type { Fix } from "../source/diagnostic.js"
import {
  ARGUMENT_ADVICE,
  ARGUMENT_HABITS,
  MODULES,
  NAME_HABITS,
  TYPE_HABITS,
  words,
  writtenHere,
} from "../source/habits.js"
import { type SourceFile, type Span, spanText } from "../source/source.js"
import type { Given } from "./args.js"
import type { Env } from "./env.js"
import { complain, meantName, type Complaint } from "./report.js"
import { nearest } from "../source/suggest.js"
import { lookup, namesIn } from "./scope.js"
import { ERROR, type Value } from "./values.js"

interface Advice extends Partial<Pick<Complaint, "span" | "label" | "related">> {
  readonly help?: string
  readonly fix?: Fix
}

/** Advice about a name that is not in sight. */
export function adviceOnName(env: Env, name: string, span: Span): Advice | undefined {
  const habit = NAME_HABITS[name]
  if (habit === undefined) {
    const known = [...namesIn(env.scope), ...fittingNames(env, span)]
    // Nearly every name of one letter is one slip away from every other.
    return name.length === 1
      ? undefined
      : { ...meantName(name, span, known), ...misspeltDeclaration(env, name, span) }
  }
  if ("advice" in habit) return { help: habit.advice }
  return {
    help: `it is written \`${habit.here}\``,
    fix: { span: withEmptyCall(span, habit.here), replacement: habit.here },
  }
}

/** The value that a name of PyTorch or Keras means here, after its diagnostic, so that the rest is checked as it was meant.
 *  Where a class becomes a function, its call is another one. */
export function meantByHabit(env: Env, name: string): Value {
  const here = nameHere(env, name)
  const global = here === undefined ? undefined : env.module.names.get(here)
  const alike = here !== undefined && isClass(here) === isClass(name)
  return alike && global?.kind === "value" ? global.value : ERROR
}
const isClass = (name: string): boolean => /^[A-Z]/.test(name)

/** The name of the library or the file that a name of PyTorch or Keras is; undefined where there is none. */
const nameHere = (env: Env, name: string): string | undefined =>
  env.module.names.has(name) ? name : writtenHere(name)

/** `optimizer = Adam(...)`: advice about a name that is set without `let`. */
export function adviceOnAssigned(name: string, value: Value): { readonly help: string } | undefined {
  const habit = NAME_HABITS[name]
  return habit && "advice" in habit && value.kind !== "tensor" ? { help: habit.advice } : undefined
}

/** Names of files and of the library that can stand at this place: layers and built-in functions only where they are called. */
function fittingNames(env: Env, { file, start, end }: Span): string[] {
  const called =
    /^\s*\(/.test(file.text.slice(end)) || /(\|>|\bwith|\bover)\s*$/.test(file.text.slice(0, start))
  const handedOn = /[(,:=]\s*$/.test(file.text.slice(0, start))
  return [...env.module.names].flatMap(([name, global]) => {
    if (called || global.kind !== "value" || CONSTANTS.has(name)) return [name]
    return CALLED.has(global.value.kind) || (global.value.kind === "fn" && !handedOn) ? [] : [name]
  })
}
const CALLED: ReadonlySet<Value["kind"]> = new Set(["builtin", "layer", "optimizer", "ops"])
const CONSTANTS = new Set(["training", "step", "epoch", "seed"])

/** Advice about a name that is near to one declared in this file and read nowhere: the declaration is misspelt when this name is read more than once. */
function misspeltDeclaration(env: Env, name: string, span: Span): Advice {
  const own = [...env.module.names].flatMap(([each, global]) => (global.library ? [] : [each]))
  const near = nearest(name, [...namesIn(env.scope), ...own])
  const [declared, ...others] = near === undefined ? [] : locationsOf(span.file, near)
  if (near === undefined || declared === undefined || others.length > 0) return {}
  if (locationsOf(span.file, name).length === 1)
    return { related: [{ span: declared, text: `\`${near}\` is declared here, and read nowhere` }] }
  return {
    span: declared,
    label: `declared here, and read nowhere`,
    related: [{ span, text: `\`${name}\` is read here` }],
    help: `is \`${name}\` meant?`,
    fix: { span: declared, replacement: name },
  }
}

/** Where a word stands in a program, outside comments and strings. */
function locationsOf(file: SourceFile, word: string): Span[] {
  return [...file.text.matchAll(/\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|\w+/g)].flatMap(
    ({ 0: text, index: start }) => (text === word ? [{ file, start, end: start + word.length }] : []),
  )
}

/** Advice about an unknown dtype. */
export function adviceOnType(name: string, span: Span): Advice | undefined {
  const here = TYPE_HABITS[name]
  if (here !== undefined) return { help: `it is written \`${here}\``, fix: { span, replacement: here } }
  const habit = NAME_HABITS[name]
  return habit && "advice" in habit ? { help: habit.advice } : undefined
}

/** `nn.ReLU` where `nn` is not a name of the program: an error that says how it is written; undefined where it is none. */
export function evalModuleMember(env: Env, expr: FieldExpr): Value | undefined {
  const path = modulePath(expr)
  if (path === undefined || lookup(env.scope, path) || env.module.names.has(path)) return undefined
  const { text, span: nameSpan } = expr.name
  if (path === "self")
    return complain(env, {
      code: "name-unknown",
      message: "there is no `self` here",
      span: expr.span,
      label: "names stand by themselves",
      help: `a layer has no \`self\`: its parameters and the layers made in it are in sight: \`${text}\``,
      fix: { span: expr.span, replacement: text },
    })
  const span = { ...expr.span, end: nameSpan.end }
  const habit = NAME_HABITS[text]
  const here = nameHere(env, text)
  complain(env, {
    code: "name-unknown",
    message: `there is no \`${path}\` here: the library's names stand by themselves`,
    span,
    label: here === undefined ? "not a name in sight" : `write \`${here}\``,
    ...(here !== undefined
      ? {
          help: `it is written \`${here}\``,
          fix: { span: here === text ? span : withEmptyCall(span, here), replacement: here },
        }
      : habit && "advice" in habit
        ? { help: habit.advice }
        : adviceOnMissing(env, text)),
  })
  const meant = meantByHabit(env, text)
  return meant.kind === "optimizer" ? ERROR : meant
}

function adviceOnMissing(env: Env, name: string): Advice {
  const near = nearest(name, env.module.names.keys())
  return { help: near === undefined ? `the library has no \`${name}\`` : `did you mean \`${near}\`?` }
}

/** `torch.nn` of `torch.nn.ReLU`; undefined where another thing than a module stands before the dot. */
function modulePath(expr: FieldExpr): string | undefined {
  const { object } = expr
  if (object.kind === "name")
    return MODULES.has(object.name) || object.name === "self" ? object.name : undefined
  return object.kind === "field" ? modulePath(object) : undefined
}

/** `ReLU()` as a whole where a function without configuration takes its place. */
function withEmptyCall(span: Span, here: string): Span {
  const empty = /^\(\s*\)/.exec(span.file.text.slice(span.end))
  return empty && /^[a-z]/.test(here) ? { ...span, end: span.end + empty[0].length } : span
}

/** `x.reshape(...)`: advice about a tensor's member that is a function here. */
export function adviceOnMember(
  env: Env,
  { object, name: { text: member, span } }: FieldExpr,
): { readonly help: string; readonly fix?: Fix } | undefined {
  const here = nameHere(env, member)
  if (here === undefined)
    return MEMBER_ADVICE[member] === undefined ? undefined : { help: MEMBER_ADVICE[member] }
  return {
    help: `functions are not members: \`${here}(x, ...)\`, or \`x |> ${here}(...)\``,
    ...calledWith(here, object.span, span),
  }
}

/** The function that a method of PyTorch is here, so that the rest is checked as it was meant. */
export function methodOf(env: Env, value: Value, { object, name }: FieldExpr): Value {
  const here = nameHere(env, name.text)
  const global = here === undefined ? undefined : env.module.names.get(here)
  return global?.kind === "value" && global.value.kind === "fn"
    ? { ...global.value, on: { value, span: object.span, takesSizes: OF_SIZES.has(here!) } }
    : ERROR
}

/** Functions that take sizes as a list, where methods of PyTorch take them one by one. */
const OF_SIZES = new Set(["reshape", "expand", "permute", "repeat"])

/** `x.view(-1, 16)` becomes `reshape(x, [-1, 16])`. */
function calledWith(here: string, object: Span, { file, end }: Span): { readonly fix?: Fix } {
  const [written, given = ""] = /^\(([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\)/.exec(file.text.slice(end)) ?? []
  if (written === undefined || object.file !== file) return {}
  const sizes = OF_SIZES.has(here) && given.trim() !== "" && !/^\s*[[(]/.test(given)
  const more = sizes ? `, [${given}]` : given.trim() === "" ? "" : `, ${given}`
  const span = { file, start: object.start, end: end + written.length }
  return { fix: { span, replacement: `${here}(${spanText(object)}${more})` } }
}

const MEMBER_ADVICE = words<string>({
  size: "the size of an axis is `x.shape[0]`",
  T: "the transpose of a matrix is `transpose(x, 0, 1)`",
  t: "the transpose of a matrix is `transpose(x, 0, 1)`",
  float: "`f32(x)` makes floats",
  long: "`i32(x)` makes integers",
  int: "`i32(x)` makes integers",
  item: "`report name = value` shows a value",
  numpy: "`report name = value` shows a value",
  cpu: "the device is chosen when the program runs: `nnc train m.nn --device wasm`",
  cuda: "the device is chosen when the program runs: `nnc train m.nn --device webgpu`",
  to: "the device is chosen when the program runs: `nnc train m.nn --device webgpu`",
  backward: "a `train` section takes the gradients: `minimize loss with Adam(lr: 0.001)`",
})

/** The parameter that an argument's other name means. */
export function habitualParam(params: readonly Param[], name: string): Param | undefined {
  for (const meant of ARGUMENT_HABITS[name] ?? []) {
    const param = params.find((p) => p.name.text === meant)
    if (param) return param
  }
  return undefined
}

export const adviceOnArgument = (name: string): string | undefined => ARGUMENT_ADVICE[name]

/** `Linear(30, 16)`, `Conv2d(1, 16, 3)`: the size of the input before that of the output, as PyTorch wants it. */
export interface InputFirst {
  readonly input: number
  readonly complaint: Complaint
}

/** A layer of the library whose first two arguments could be meant so. For a convolution that is known when its input is. */
export function inputFirst(decl: LayerDecl, given: readonly Given[], span: Span): InputFirst | undefined {
  const [first, second] = given
  if (first?.value.kind !== "int" || second?.value.kind !== "int") return undefined
  const [input, next] = [first.value.value, second.value.value]
  const mistake = mistakeOf(decl, given, input, next)
  if (!mistake) return undefined
  const callee = decl.name.text
  const here = `${callee}(${span.file.text.slice(second.span.start, given.at(-1)!.span.end)})`
  return {
    input,
    complaint: {
      code: "argument-order",
      message: `\`${callee}\` takes ${mistake.takes}`,
      span: { ...first.span, end: second.span.end },
      label: "the input's size is not said",
      help: `it follows from what comes in: \`${here}\`${mistake.otherwise ?? ""}`,
      fix: { span: { ...first.span, end: second.span.start }, replacement: "" },
    },
  }
}

/** `takes`: the arguments that the layer takes, and the two integers that come first here. */
function mistakeOf(
  { config }: LayerDecl,
  given: readonly Given[],
  input: number,
  next: number,
): { readonly takes: string; readonly otherwise?: string } | undefined {
  const positional = given.filter(({ name }) => name === undefined)
  const unnamed = given[0]!.name === undefined && given[1]!.name === undefined
  const [first, second] = config.map(({ name }) => name.text)
  // `GRU(32, 64)`: PyTorch's sizes of input and state, which would be 64 layers here.
  if (first === "hidden" && second === "layers")
    return unnamed && next >= 5
      ? {
          takes: `the size of its state and the number of layers: this makes ${next} layers of ${input}`,
        }
      : undefined
  // `MultiHeadAttention(64, 4)`: PyTorch's size of the embedding before the number of heads.
  if (first === "heads" && unnamed)
    return { takes: `the number of heads first, and this gives ${input} and ${next}` }
  if (first !== "out") return undefined
  if (second === "kernel" && positional.length >= 3 && oddForAWindow(next))
    return {
      takes: `its output channels first: this makes ${input} with a window of ${next}`,
      otherwise: "; or name the rest, as in `kernel: 4, stride: 2`",
    }
  if (second === "bias" && positional.length >= 2)
    return { takes: `only the size of its output, and this gives ${input} and ${next}` }
  return undefined
}

/** Windows have few places and a middle; channels are many or a power of 2. */
const oddForAWindow = (size: number): boolean => size > 7 || size % 2 === 0

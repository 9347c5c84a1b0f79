/** check: `model Net(...) from "net.safetensors"(prefix: "bert.")` and `param table: f32[4] from "table.npy"`: the file that parameters
 *  start from, and how its names map to theirs.
 *  Not here:   opening the file and comparing shapes, when parameters get their first values (runtime/checkpoint). */
import type { Expr, ModelDecl } from "../ir/ast/types.js"
import type { Weights } from "../ir/model/types.js"
import { originAt, type Env } from "./env.js"
import { evalExpr } from "./expr.js"
import { complain, didYouMean } from "./report.js"
import * as v from "./values.js"

const WRITTEN =
  '`from "net.safetensors"(prefix: "bert.", rename: [["there", "here"]], transpose: ["kernel"])`'

export function noteModelWeights(env: Env, { name, from }: ModelDecl): void {
  const call = from && fileOf(env, from)
  if (!from || !call) return
  if (call.path.endsWith(".npy")) {
    refuse(env, from, "a .npy file holds one array, and a model has parameters by name", "a single array")
    return
  }
  const names = namesOf(env, from)
  if (names)
    env.cx.weights.set(name.text, {
      of: name.text,
      path: call.path,
      ...names,
      origin: originAt(env, from.span),
    })
}

/** `slot`: the name of the parameter. */
export function noteArray(env: Env, slot: string, from: Expr): void {
  const call = fileOf(env, from)
  if (!call) return
  if (!call.path.endsWith(".npy") || from.kind === "call") {
    refuse(env, from, "a single `param` starts from the array of a .npy file", "not such a file")
    return
  }
  const { path } = call
  env.cx.weights.set(slot, {
    of: slot,
    path,
    prefix: "",
    rename: [],
    transpose: [],
    origin: originAt(env, from.span),
  })
}

function fileOf(env: Env, from: Expr): { readonly path: string } | undefined {
  const file = evalExpr(env, from.kind === "call" ? from.callee : from)
  if (file.kind === "string") return { path: file.value }
  if (v.hasError(file)) return undefined
  refuse(env, from, "after `from` stands the path of a file of weights, a text", "no text")
  return undefined
}

function refuse(env: Env, { span }: Expr, message: string, label: string): void {
  complain(env, { code: "weights-source", message, span, label, help: `for instance ${WRITTEN}` })
}

function namesOf(env: Env, from: Expr): Pick<Weights, "prefix" | "rename" | "transpose"> | undefined {
  let prefix = ""
  let rename: Weights["rename"] = []
  let transpose: readonly string[] = []
  for (const arg of from.kind === "call" ? from.args : []) {
    const value = evalExpr(env, arg.value)
    if (v.hasError(value)) return undefined
    const known = ["prefix", "rename", "transpose"]
    const texts = textsIn(value)
    const pairs = value.kind === "list" ? value.items.map(textsIn) : []
    if (arg.name?.text === "prefix" && value.kind === "string") prefix = value.value
    else if (arg.name?.text === "transpose" && texts) transpose = texts
    else if (arg.name?.text === "rename" && value.kind === "list" && pairs.every(isPair)) rename = pairs
    else {
      const near = arg.name && didYouMean(arg.name.text, known)
      complain(env, {
        code: "weights-source",
        message: !arg.name
          ? "what stands after the file is said by its name"
          : known.includes(arg.name.text)
            ? `\`${arg.name.text}\` is ${TAKES[arg.name.text] ?? ""}, and this is ${v.describe(value)}`
            : `weights have no \`${arg.name.text}\``,
        span: arg.span,
        label: v.describe(value),
        help: near ?? `it is written ${WRITTEN}`,
      })
      return undefined
    }
  }
  return { prefix, rename, transpose }
}

const TAKES: Readonly<Record<string, string>> = {
  prefix: "a text",
  rename: "a list of pairs of texts",
  transpose: "a list of texts",
}

function textsIn(value: v.Value): readonly string[] | undefined {
  if (value.kind !== "list") return undefined
  const texts = value.items.flatMap((item) => (item.kind === "string" ? [item.value] : []))
  return texts.length === value.items.length ? texts : undefined
}

const isPair = (texts: readonly string[] | undefined): texts is readonly [string, string] =>
  texts?.length === 2

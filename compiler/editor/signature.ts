/** editor: the call that is being written: its parameters, and which of them comes next. */
import type { Declaration } from "../ir/ast/types.js"
import type { Analysis } from "./analysis.js"
import { docOf, headText } from "./describe.js"
import { paramsOf } from "./names.js"
import { spanText } from "../source/source.js"

export interface SignatureHelp {
  readonly text: string
  readonly doc?: string
  /** The parameters as they stand in `text`. */
  readonly parameters: readonly string[]
  readonly active: number
}

export function signatureAt(analysis: Analysis, offset: number): SignatureHelp | undefined {
  const open = openCall(analysis.file.text, offset)
  if (open === undefined) return undefined
  const symbol = analysis.names.at(open.at).get(open.callee)
  const decl = symbol?.decl
  if (symbol === undefined || decl === undefined) return undefined
  const params = paramsOf(decl).map(({ span }) => spanText(span).replace(/\s+/g, " "))
  const names = paramsOf(decl).map(({ name }) => name.text)
  const named = open.name === undefined ? -1 : names.indexOf(open.name)
  const doc = docOf(symbol)
  return {
    text: headText(decl),
    ...(doc === undefined ? {} : { doc }),
    parameters: params,
    active:
      named >= 0 ? named : Math.min(open.argument + piped(decl, open.piped), Math.max(0, params.length - 1)),
  }
}

/** `x |> f(` gives the first argument of a fn already; of a layer, it is an input and no argument. */
const piped = ({ kind }: Declaration, isPiped: boolean): number => (isPiped && kind === "fn" ? 1 : 0)

export interface OpenCall {
  readonly callee: string
  readonly at: number
  /** How many arguments are complete. */
  readonly argument: number
  /** The name of the argument that is being written. */
  readonly name: string | undefined
  readonly piped: boolean
}

/** The innermost call whose bracket is open at an offset. */
export function openCall(text: string, offset: number): OpenCall | undefined {
  let [depth, argument] = [0, 0]
  for (let at = offset - 1; at >= 0; at--) {
    const sign = text[at]!
    if (sign === '"') {
      at = text.lastIndexOf('"', at - 1)
      if (at < 0) return undefined
    } else if (")]}".includes(sign)) depth++
    else if ("([{".includes(sign)) {
      if (depth > 0) {
        depth--
        continue
      }
      const callee = /([A-Za-z_]\w*)\s*$/.exec(text.slice(0, at))
      if (sign !== "(" || callee === null) return undefined
      const before = text.slice(0, callee.index)
      const own = text.slice(at + 1, offset)
      const name = /(?:^|[(,])\s*([A-Za-z_]\w*)\s*:[^,]*$/.exec(own)?.[1]
      return { callee: callee[1]!, at: callee.index, argument, name, piped: /\|>\s*$/.test(before) }
    } else if (sign === "," && depth === 0) argument++
  }
  return undefined
}

/** cli: what a program computes that another system cannot say, at its place in the text. */
import { existsSync, readFileSync } from "node:fs"
import type { Refusal } from "../ir/origin.js"
import type { Diagnostic } from "../source/diagnostic.js"
import { spanFrom } from "../source/source.js"

export function refusalDiagnostic({ origin, op, why }: Refusal, system: string, text: string): Diagnostic {
  const [, path = "", line, column] = /^(.*):(\d+):(\d+)$/.exec(origin.at) ?? []
  const file = existsSync(path)
    ? { path, text: readFileSync(path, "utf8").replace(/^\uFEFF/, "") }
    : undefined
  const span = file && spanFrom(file, { line: Number(line), column: Number(column) })
  return {
    code: "export-operation",
    severity: "error",
    message: `\`${op}\` cannot be said in ${system}: ${why}`,
    ...(span && { primary: { span, text } }),
  }
}

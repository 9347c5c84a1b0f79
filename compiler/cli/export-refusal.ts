/** cli: the error for an operation that the format of an export cannot express, with its place in the program. */
import { existsSync } from "node:fs"
import type { Refusal } from "../ir/origin.js"
import type { Diagnostic } from "../source/diagnostic.js"
import { parsePlace, spanFrom } from "../source/source.js"
import { readProgram } from "./compile-file.js"

export function refusalDiagnostic({ origin, op, why }: Refusal, system: string, text: string): Diagnostic {
  const place = parsePlace(origin.at)
  const span = place && existsSync(place.path) ? spanFrom(readProgram(place.path), place) : undefined
  return {
    code: "export-operation",
    severity: "error",
    message: `\`${op}\` cannot be said in ${system}: ${why}`,
    ...(span && { primary: { span, text } }),
  }
}

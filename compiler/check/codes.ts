/** check: what `nnc explain CODE` says about the codes of this room, and of the constraints of operations. Each `bad` is a whole
 *  program with that mistake, each `good` one without it; the tests check both. */
import { allOps } from "../ops/index.js"
import type { CodePage, CodePages } from "../source/codes.js"
import { dataCodes } from "./codes-data.js"
import { lintCodes } from "./codes-lints.js"
import { nameCodes } from "./codes-names.js"
import { scanCodes } from "./codes-scan.js"
import { trainCodes } from "./codes-train.js"
import { typeCodes } from "./codes-types.js"

export const checkCodes: CodePages = {
  ...nameCodes,
  ...typeCodes,
  ...scanCodes,
  ...trainCodes,
  ...lintCodes,
  ...dataCodes,
}

/** A page per constraint of every operation: `matmul-c2`. */
export const constraintCodes = (): CodePages =>
  Object.fromEntries(
    allOps().flatMap((op) =>
      Object.entries(op.constraints).map(([label, rule]): [string, CodePage] => [
        `${op.name}-${label}`,
        { title: `a rule of the operation \`${op.name}\`: ${rule}`, explanation: op.doc },
      ]),
    ),
  )

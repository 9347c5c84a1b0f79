/** check: the pages of `nnc explain CODE` for the codes of this room. Each `bad` is a whole
 *  program with that mistake, each `good` one without it; the tests check both. */
import type { ProgramPages } from "../source/codes.js"
import { dataCodes } from "./codes-data.js"
import { doubtCodes } from "./codes-doubts.js"
import { lintCodes } from "./codes-lints.js"
import { nameCodes } from "./codes-names.js"
import { scanCodes } from "./codes-scan.js"
import { trainCodes } from "./codes-train.js"
import { typeCodes } from "./codes-types.js"

export const checkCodes: ProgramPages = {
  ...nameCodes,
  ...typeCodes,
  ...scanCodes,
  ...trainCodes,
  ...lintCodes,
  ...doubtCodes,
  ...dataCodes,
}

/** driver: every diagnostic code there is, joined from the rooms that own them. */
import { constraintCodes, unseenCodes } from "../check/codes-constraints.js"
import { checkCodes } from "../check/codes.js"
import { wasmCodes } from "../codegen/wasm/codes.js"
import { gridCodes, memoryCodes } from "../memory/codes.js"
import { fileCodes, syntaxCodes } from "../parse/codes.js"
import { planCodes } from "../schedule/index.js"
import type { CodePages, ProgramPages } from "../source/codes.js"
import { rowCodes } from "./read-data.js"
import { settingCodes } from "./settings.js"

/** Those about the text of a program: each shows one that has the mistake and one that does not. */
export const programCodes: ProgramPages = {
  ...syntaxCodes,
  ...checkCodes,
  ...memoryCodes,
  ...wasmCodes,
  ...constraintCodes(),
}

export const codes: CodePages = {
  ...programCodes,
  ...fileCodes,
  ...unseenCodes(),
  ...planCodes,
  ...gridCodes,
  ...rowCodes,
  ...settingCodes,
}

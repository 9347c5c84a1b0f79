/** driver: every diagnostic code there is, joined from the rooms that own them. */
import { checkCodes, constraintCodes } from "../check/codes.js"
import { wasmCodes } from "../codegen/wasm/codes.js"
import { memoryCodes } from "../memory/codes.js"
import { syntaxCodes } from "../parse/codes.js"
import { planCodes } from "../schedule/index.js"
import type { CodePages } from "../source/codes.js"
import { settingCodes } from "./settings.js"

export const codes: CodePages = {
  ...syntaxCodes,
  ...checkCodes,
  ...planCodes,
  ...memoryCodes,
  ...wasmCodes,
  ...constraintCodes(),
  ...settingCodes,
}

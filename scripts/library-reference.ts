// `npm run docs`: docs/library.md from the `///` of stdlib/*.nn, docs/operations.md from the registry of primitives,
// docs/errors.md from the pages of codes.

import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { errorsReference, libraryReference, operationsReference } from "./reference-pages.js"

const docs = new URL("../docs/", import.meta.url)
for (const [name, text] of [
  ["library.md", libraryReference()],
  ["operations.md", operationsReference()],
  ["errors.md", errorsReference()],
] as const) {
  const path = fileURLToPath(new URL(name, docs))
  writeFileSync(path, text)
  console.log(`docs/${name}: ${text.split("\n").length} lines`)
}

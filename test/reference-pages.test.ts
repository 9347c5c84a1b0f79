// docs/library.md, docs/operations.md and docs/errors.md have the contents of stdlib/, the registry and the pages of codes.
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { errorsReference, libraryReference, operationsReference } from "../scripts/reference-pages.js"

test.each([
  ["library.md", libraryReference],
  ["operations.md", operationsReference],
  ["errors.md", errorsReference],
])("docs/%s is up to date: `npm run docs`", (name, written) =>
  expect(readFileSync(`docs/${name}`, "utf8")).toBe(written()),
)

// docs/library.md and docs/operations.md say what stdlib/ and the registry say.
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { libraryReference, operationsReference } from "../scripts/reference-pages.js"

test.each([
  ["library.md", libraryReference],
  ["operations.md", operationsReference],
])("docs/%s is up to date: `npm run docs`", (name, written) =>
  expect(readFileSync(`docs/${name}`, "utf8")).toBe(written()),
)

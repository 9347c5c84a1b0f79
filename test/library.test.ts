// The standard library as the build parses it: read again, it is the same modules, and a program finds nothing else in it.

import { expect, it } from "vitest"
import { printLibrary, readLibrary } from "../compiler/ir/ast/library.js"
import { parseLibrary } from "../compiler/parse/library.js"
import { programs } from "./support/programs.js"

const files = programs().filter(({ path }) => path.startsWith("stdlib/"))
const library = parseLibrary(files)

it("what is read is what was parsed", () => {
  expect(readLibrary(printLibrary(library))).toEqual(library)
})

it("its text does not change on the way", () => {
  const text = printLibrary(library)
  expect(printLibrary(readLibrary(text))).toBe(text)
})

it("spans lead to the library's files", () => {
  for (const { declarations, span } of readLibrary(printLibrary(library)))
    for (const { name } of declarations)
      expect(span.file.text.slice(name!.span.start, name!.span.end)).toBe(name!.text)
})

it("a library that does not parse is our mistake", () => {
  const broken = { path: "stdlib/broken.nn", text: "fn (" }
  expect(() => parseLibrary([broken])).toThrow("the standard library does not parse")
})

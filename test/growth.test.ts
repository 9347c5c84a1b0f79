// The whole way from text to bundle is linear in the number of layers: twice as many cost at most 2.2 times the work. Work is
// counted, not timed: entries looked up in maps and sets, and elements that array methods go through.

import { afterEach, describe, expect, it } from "vitest"
import { type CompileHost, compile } from "../compiler/driver/compile.js"
import { parseLibrary } from "../compiler/parse/library.js"
import { bug } from "../compiler/source/bug.js"
import { SOFTWARE_TARGET } from "../compiler/targets/index.js"
import { programs } from "./support/programs.js"

const host: CompileHost = {
  stdlib: parseLibrary(programs().filter(({ path }) => path.startsWith("stdlib/"))),
  load: () => undefined,
  data: ({ name }) => bug(`data ${name} in a program that has none`),
}

/** A chain of layers, trained on nothing but its own weights. */
const deep = (layers: number): string => `
model Deep(x: f32[B, 8]) -> f32[B, 8] {
  x
${"    |> Linear(8) |> relu\n".repeat(layers)}}
train {
  minimize mean(Deep(ones([4, 8])))  with SGD(lr: 0.1)
  steps 1
}
`

/** A chain of elementwise operations. */
const chain = (operations: number): string => `
model Chain(x: f32[B, 4]) -> f32[B, 4] {
  var h = x
${"  h = tanh(h)\n".repeat(operations)}  h
}
`

const LOOKUPS = [
  [Map.prototype, "get"],
  [Map.prototype, "has"],
  [Map.prototype, "set"],
  [Set.prototype, "has"],
  [Set.prototype, "add"],
] as const
const PASSES = [
  "map",
  "flatMap",
  "filter",
  "forEach",
  "some",
  "every",
  "find",
  "includes",
  "indexOf",
  "reduce",
] as const

let restore: (() => void)[] = []
afterEach(() => restore.forEach((undo) => undo()))

describe.each(["webgpu", "wasm"] as const)("%s", (device) => {
  it.each([
    { what: "layers", program: deep, size: 40 },
    { what: "operations of a chain", program: chain, size: 600 },
  ])("twice the $what cost at most 2.2 times the work", ({ program, size }) => {
    // The first use sets things up, and is not counted.
    work(program(2), device)
    const [once, twice] = [work(program(size), device), work(program(2 * size), device)]
    expect(twice / once).toBeLessThan(2.2)
  })

  it("a chain of 3000 operations compiles", () => {
    expect(() => compiled(chain(3000), device)).not.toThrow()
  })
})

function compiled(text: string, device: "webgpu" | "wasm"): void {
  const source = { path: "deep.nn", text }
  const { bundle, diagnostics } = compile(source, host, { target: SOFTWARE_TARGET, devices: [device] })
  if (bundle === undefined) throw new Error(diagnostics.map((d) => d.message).join("\n"))
}

function work(text: string, device: "webgpu" | "wasm"): number {
  let count = 0
  const wrap = (owner: object, name: string, cost: (self: { length?: number }) => number): void => {
    const plain = Reflect.get(owner, name) as (...args: unknown[]) => unknown
    const counting = function (this: { length?: number }, ...args: unknown[]): unknown {
      count += cost(this)
      return plain.apply(this, args)
    }
    Object.defineProperty(owner, name, { value: counting, configurable: true, writable: true })
    restore.push(() =>
      Object.defineProperty(owner, name, { value: plain, configurable: true, writable: true }),
    )
  }
  for (const [owner, name] of LOOKUPS) wrap(owner, name, () => 1)
  for (const name of PASSES) wrap(Array.prototype, name, (self) => self.length ?? 0)
  try {
    compiled(text, device)
  } finally {
    restore.forEach((undo) => undo())
    restore = []
  }
  return count
}

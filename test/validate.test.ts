/** Checks of translation: every stage of every example computes what the stage before it does, and a pass or a device that does not
 *  is named. */
import { readFileSync, rmSync } from "node:fs"
import { describe, expect, it, vi } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { outcomeOf } from "../compiler/cli/failure.js"
import { differenceOnDevice } from "../compiler/cli/validate-device.js"
import { validateFile } from "../compiler/cli/validate-file.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { cse } from "../compiler/optimize/cse.js"
import { PassFailure } from "../compiler/pass.js"
import { validate } from "../compiler/validate/validate.js"

const EXAMPLES = ["six-points", "xor", "cancer"]

const read = (path: string) => ({ path, text: readFileSync(path, "utf8") })

describe.each(EXAMPLES)("%s", (name) => {
  const path = `examples/${name}/${name}.nn`
  const validated = validate(read(path), fileHost(path))

  it("is the same after every pass", () => {
    expect(validated.difference).toBeUndefined()
    expect(validated.expected.map((e) => e.graph.name)).toContain("step")
  })

  it.each(["wasm", "webgpu"] as const)("is the same on %s", async (device) => {
    const { difference } = await differenceOnDevice(validated.bundle!, validated.expected, { device })
    expect(difference).toBeUndefined()
  })
})

it("runs many steps as one kernel beside the slots of another section", () => {
  const text = `data d = array(x: [[0.5, 1], [2, -1]]) { x: f32[2] = column("x") }
    model M(x: f32[B, 2]) -> f32[B, 2] { param w: f32[1, 2] = ones\n x * expand(w, [B, 2]) }
    train one on d { minimize mse(M(x), x) with SGD(lr: 0.1)\n steps 3 }
    train two on d { minimize mse(M(x), x) with RMSProp(lr: 0.1)\n steps 3 }`
  const { difference, expected } = validate({ path: "sections.nn", text }, fileHost("sections.nn"))
  expect(difference).toBeUndefined()
  expect(expected.map((e) => e.graph.name)).toEqual(expect.arrayContaining(["one.step", "two.step"]))
})

it("names the pass that computes something else, with values and the place in the program", async () => {
  const broken = vi.spyOn(cse, "run").mockImplementation(doubled)
  const path = "examples/xor/xor.nn"
  const { difference } = validate(read(path), fileHost(path))
  const refused = await validateFile(path, { device: "wasm", data: new Map() }).catch((e: unknown) => e)
  broken.mockRestore()
  expect(refused).toMatchObject({ code: "translation-differs", exit: 70 })
  expect(difference).toMatchObject({ stage: "cse", program: "step", result: "@Xor.linear.0.weight/m" })
  expect(difference!.is).not.toBe(difference!.expected)
  expect(difference!.at).toMatch(/\.nn:\d+:\d+$/)
})

/** Every constant of a training step is twice what it was. */
const doubled = (graph: Graph): Graph =>
  graph.name !== "step"
    ? graph
    : {
        ...graph,
        nodes: graph.nodes.map((n) => {
          const { value } = n.attrs
          return n.op === "constant" && typeof value === "number"
            ? { ...n, attrs: { ...n.attrs, value: 2 * value } }
            : n
        }),
      }

it("keeps what a pass was given when it fails, and says where", () => {
  const { text, exit } = outcomeOf(new PassFailure("cse", new Error("no reason"), () => "graph t() {\n}\n"))
  const [, path] = /^ +(\S+), which the pass was given$/m.exec(text) ?? []
  expect(exit).toBe(70)
  expect(readFileSync(path!, "utf8")).toBe("graph t() {\n}\n")
  rmSync(path!)
})

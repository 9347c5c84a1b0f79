/** Checks of translation: every stage of every example computes what the stage before it does, and a pass or a device that does not
 *  is named. */
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { fileHost } from "../compiler/cli/host.js"
import { differenceOnDevice } from "../compiler/cli/validate-device.js"
import { validate } from "../compiler/validate/validate.js"

const EXAMPLES = ["six-points", "xor", "cancer", "gan", "input-descent", "gradient-penalty"]

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

// `nnc train --log`: files that TensorBoard and spreadsheets read, also of a run that was resumed.

import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { resumedRecord, scalarsRecord, tfRecord, versionRecord } from "../compiler/cli/logs/tensorboard.js"
import { nnc, temporaryFolder } from "./support/nnc.js"

describe("a record for TensorBoard", () => {
  const hex = (event: Uint8Array): string => Buffer.from(tfRecord(event)).toString("hex")
  const metrics = { loss: 0.25, test_accuracy: 0.5, confusion: [[1, 2]] }

  // As tensorboard 2.21 writes them itself (event_pb2, masked_crc32c).
  it.each([
    [
      "the version",
      versionRecord(1.5),
      "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c",
    ],
    [
      "a resumed run",
      resumedRecord(1.5, 7),
      "0f000000000000006d532b0909000000000000f83f10073a020801774771c7",
    ],
    [
      "a report",
      scalarsRecord(2.5, { event: "report", step: 8, epoch: 1, metrics }),
      "36000000000000004f578cef09000000000000044010082a290a110a0a6c6f73732f747261696e150000803e0a140a0d61636375726163792f74657374150000003f4d2cc38d",
    ],
  ])("of %s", (_, event, expected) => {
    expect(hex(event)).toBe(expected)
  })
})

describe("nnc train --log", () => {
  it("writes both beside log.jsonl, and goes on with a resumed run", () => {
    const cwd = temporaryFolder()
    writeFileSync(
      join(cwd, "p.nn"),
      `data d = array(x: [[1], [2]], y: [2, 4]) { x: f32[1] = column("x") y: f32[1] = column("y") }
model M(x: f32[B, 1]) -> f32[B, 1] { x |> Linear(1) }
train on d { minimize mse(M(x), y) with SGD(lr: 0.01) steps 20, seed 1 report every 10 steps }
`,
    )
    const run = (...args: string[]): number | null =>
      nnc(["train", "p.nn", "--device", "wasm", "--log", "tensorboard", "--log", "csv", ...args], { cwd })
        .exit
    expect(run("--out", "a")).toBe(0)
    expect(run("--resume", "a", "--steps", "40")).toBe(0)
    const [title, ...rows] = readFileSync(join(cwd, "a/log.csv"), "utf8").trim().split("\n")
    expect(title).toBe("step,epoch,loss")
    expect(rows.map((row) => Number(row.split(",")[0]))).toEqual([0, 10, 20, 30, 40])
    const logs = readdirSync(join(cwd, "a")).filter((name) => name.startsWith("events.out.tfevents."))
    expect(logs).toHaveLength(2)
  })

  it("refuses a format that there is not", () => {
    const { exit, err } = nnc(["train", "p.nn", "--log", "wandb"])
    expect(exit).toBe(2)
    expect(err).toMatch(/It must be one of tensorboard, csv\./)
  })
})

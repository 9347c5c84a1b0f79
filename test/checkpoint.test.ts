/** Checkpoints: whole or refused, and never half written. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { withBuild } from "../runtime/bundle/builds.js"
import type { DeviceManifest, SlotSpec } from "../runtime/bundle/format.js"
import {
  checkFold,
  checkSection,
  decodeCheckpoint,
  encodeCheckpoint,
  type Position,
} from "../runtime/checkpoint/checkpoint.js"
import { nodeFiles, type FileCalls } from "../runtime/checkpoint/files.js"
import { loadCheckpoint } from "../runtime/checkpoint/load.js"
import { decodeTensors, encodeTensors } from "../runtime/checkpoint/safetensors.js"
import { saveWhole } from "../runtime/checkpoint/save.js"
import { newRunFolder } from "../runtime/train/run-folder.js"
import { takenAfterFlip } from "./faults/flipped-bits.js"
import { failure, rejection } from "./support/failure.js"
import { tinyBundle } from "./support/tiny-bundle.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nnc-checkpoint-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const manifest = withBuild(tinyBundle().manifest)
const slots = new Map(
  manifest.slots.map(({ name, shape }, i) => {
    const values = Float32Array.from({ length: shape[0]! }, (_, j) => i + j / 3)
    return [name, new Uint8Array(values.buffer)]
  }),
)
const position: Position = {
  train: "train",
  step: 20,
  epoch: 6,
  seed: 1,
  batch: 4,
  rows: 10,
  best: 0.5,
  best_step: 15,
  patience: { value: 1 / 3, step: 15 },
  means: { rows: 6, sums: { loss: 0.1 + 0.2, accuracy: null } },
  fold: null,
}
const file = encodeCheckpoint(manifest, slots, position)
const withSlots = (change: (slots: readonly SlotSpec[]) => readonly SlotSpec[]): DeviceManifest => ({
  ...manifest,
  slots: change(manifest.slots),
})

test("a checkpoint is used on the fold that it was trained on", () => {
  const checkpoint = decodeCheckpoint(
    "f",
    encodeCheckpoint(manifest, slots, { ...position, fold: 2 }),
    manifest,
  )
  expect(checkpoint.position?.fold).toBe(2)
  checkFold(checkpoint, 2)
  checkFold(checkpoint, null)
  expect(failure(() => checkFold(checkpoint, 1))).toEqual([
    "checkpoint-fold",
    "f was trained on fold 2, and this is fold 1",
    "use it with `--fold 2`",
  ])
})

describe("the file", () => {
  test("gives back every bit and the place in the run", () => {
    const back = decodeCheckpoint("f", file, manifest)
    expect(back.position).toEqual(position)
    expect(back.fingerprint).toBe(manifest.fingerprint)
    expect([...back.slots]).toEqual([...slots])
    expect((file.length - slotBytes()) % 8).toBe(0)
  })
  const slotBytes = (): number => [...slots.values()].reduce((sum, { length }) => sum + length, 0)

  test("any tensors survive", () => {
    const tensor = fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => ({ dtype: "U8", shape: [bytes.length], bytes }))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), tensor, { noNullPrototype: true }), (tensors) => {
        const entries = new Map(Object.entries(tensors).filter(([name]) => name !== "__metadata__"))
        const back = decodeTensors("f", encodeTensors({ tensors: entries, metadata: { a: "b" } }))
        expect(new Map([...back.tensors].map(([name, { bytes }]) => [name, [...bytes]]))).toEqual(
          new Map([...entries].map(([name, { bytes }]) => [name, [...bytes]])),
        )
      }),
      { seed: 1, numRuns: 100 },
    )
  })
  test("cut off anywhere it is refused", () => {
    for (let length = 0; length < file.length; length++)
      expect(failure(() => decodeCheckpoint("f", file.subarray(0, length), manifest))[0]).toBe(
        "checkpoint-corrupt",
      )
    expect(failure(() => decodeCheckpoint("f", file.subarray(0, -3), manifest))[1]).toMatch(
      /^f is not a whole checkpoint: it is cut off: "Line.bias\/v" ends at byte 24 of the data, there are 21$/,
    )
  })
  test("other bytes are refused", () => {
    expect(failure(() => decodeTensors("f", Buffer.from("PK\x03\x04 surely a zip file")))[1]).toContain(
      "does not start with",
    )
    expect(failure(() => decodeTensors("f", Uint8Array.of(...file, 0)))[1]).toContain(
      "1 bytes after its last tensor",
    )
  })
  test("one bit of it that is changed, wherever it is, is found", () => {
    expect(takenAfterFlip(file, manifest, { count: file.length * 8, at: (i) => i })).toEqual([])
  })
  test("damage to the data is said by the name of the tensor", () => {
    const damaged = Uint8Array.from(file)
    damaged[file.length - 2]! ^= 0x10
    expect(failure(() => decodeTensors("f", damaged))[1]).toBe(
      'f is not a whole checkpoint: the data of "Line.bias/v" is damaged: its checksum (tensor_crc32) is not that of its bytes',
    )
  })

  const header = { w: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }
  const raw = (head: object, data: number): Uint8Array => {
    const json = new TextEncoder().encode(JSON.stringify(head))
    const out = new Uint8Array(8 + json.length + data)
    new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true)
    out.set(json, 8)
    return out
  }
  test.each<[string, object, number, string]>([
    [
      "a gap",
      { ...header, b: { dtype: "U8", shape: [1], data_offsets: [9, 10] } },
      10,
      '"b" starts at byte 9',
    ],
    [
      "an overlap",
      { ...header, b: { dtype: "U8", shape: [4], data_offsets: [4, 8] } },
      8,
      '"b" starts at byte 4',
    ],
    ["no start", { w: { dtype: "U8", shape: [1], data_offsets: [1, 2] } }, 2, '"w" starts at byte 1'],
    [
      "a size that is no integer",
      { w: { dtype: "U8", shape: [1.5], data_offsets: [0, 1] } },
      1,
      '"w" has no shape',
    ],
    ["a negative size", { w: { dtype: "U8", shape: [-1, -1], data_offsets: [0, 1] } }, 1, '"w" has no shape'],
    [
      "an offset beyond what numbers hold",
      { w: { dtype: "U8", shape: [1], data_offsets: [2 ** 53, 2 ** 53 + 1] } },
      1,
      "no data_offsets",
    ],
    [
      "a size beyond the file",
      { w: { dtype: "F32", shape: [2 ** 40], data_offsets: [0, 2 ** 42] } },
      8,
      "it is cut off",
    ],
    [
      "a size whose product overflows",
      { w: { dtype: "U8", shape: [2 ** 50, 2 ** 50, 0], data_offsets: [0, 1] } },
      1,
      "but has 1 bytes",
    ],
    [
      "metadata that are no texts",
      { __metadata__: { a: 1 }, ...header },
      8,
      'its metadata "a" is not a text',
    ],
    ["one of two checksums", { __metadata__: { tensor_crc32: "{}" }, ...header }, 8, "its header is damaged"],
  ])("%s in the header is refused", (_, head, data, said) => {
    expect(failure(() => decodeTensors("f", raw(head, data)))[1]).toContain(said)
    expect([...decodeTensors("f", raw(header, 8)).tensors.keys()]).toEqual(["w"])
  })
  test.each([
    ["step", "1.5"],
    ["step", "-1"],
    ["step", "1e400"],
    ["seed", "abc"],
    ["rows", ""],
    ["best", "1e999"],
    ["train", "7"],
  ])("a place in the run whose %s is %j is refused", (key, value) => {
    const { tensors, metadata } = decodeTensors("f", file)
    const changed = encodeTensors({ tensors, metadata: { ...metadata, [key]: value } })
    expect(failure(() => decodeCheckpoint("f", changed, manifest))).toEqual([
      "checkpoint-corrupt",
      expect.stringContaining(`its metadata "${key}" is ${JSON.stringify(value)}, not `),
    ])
  })
  test("of another train section it is refused, naming both", () => {
    const checkpoint = decodeCheckpoint("f", file, manifest)
    expect(() => checkSection(checkpoint, "train")).not.toThrow()
    expect(failure(() => checkSection(checkpoint, "fine")).slice(0, 2)).toEqual([
      "checkpoint-section",
      'f is of the train section "train", and this run is of "fine"',
    ])
  })
  test("of another program it is refused, naming what differs", () => {
    const other = withSlots(([weight, ...rest]) => [
      { ...weight!, shape: [3] },
      ...rest.slice(1),
      { ...rest[0]!, name: "Line.scale" },
    ])
    expect(failure(() => decodeCheckpoint("old.safetensors", file, other)).slice(0, 2)).toEqual([
      "checkpoint-mismatch",
      'old.safetensors does not fit "tiny", it was written by "tiny":\n' +
        '  "Line.scale" f32[1] is missing\n' +
        '  "Line.weight" is f32[2] there, f32[3] here\n' +
        '  "Line.bias" is extra: the program has no such parameter',
    ])
  })
  test("parameters from elsewhere load without optimizer state", () => {
    const { tensors } = decodeTensors("f", file)
    const only = new Map([...tensors].filter(([name]) => !name.includes("/")))
    const back = decodeCheckpoint("f", encodeTensors({ tensors: only, metadata: {} }), manifest)
    expect([back.position, [...back.slots.keys()]]).toEqual([null, ["Line.weight", "Line.bias"]])
  })
})

describe("saving", () => {
  test("leaves one whole file, also in a folder that is not there yet", async () => {
    const path = join(folder, "a", "b.safetensors")
    await saveWhole(path, file)
    await saveWhole(path, file)
    expect(readdirSync(join(folder, "a"))).toEqual(["b.safetensors"])
    expect((await loadCheckpoint(path, manifest)).position).toEqual(position)
  })

  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
  const handle = { writeFile: async () => {}, sync: async () => {}, close: async () => {} }
  const failing: Record<string, Partial<FileCalls>> = {
    "writing": { open: async () => ({ ...handle, writeFile: () => Promise.reject(full) }) },
    "syncing": { open: async () => ({ ...handle, sync: () => Promise.reject(full) }) },
    "closing": { open: async () => ({ ...handle, close: () => Promise.reject(full) }) },
    "renaming": { rename: () => Promise.reject(full) },
    "making the folder": { mkdir: () => Promise.reject(full) },
  } // prettier-ignore
  test.each(Object.keys(failing))(
    "a disk that is full when %s keeps the previous checkpoint",
    async (when) => {
      const path = join(folder, "last.safetensors")
      await saveWhole(path, file)
      expect(await rejection(saveWhole(path, Uint8Array.of(1), { ...nodeFiles, ...failing[when] }))).toEqual([
        "checkpoint-write",
        `${path} cannot be written: the disk is full`,
        "what was there before is untouched",
      ])
      expect(readdirSync(folder)).toEqual(["last.safetensors"])
      expect(new Uint8Array(readFileSync(path))).toEqual(file)
    },
  )

  test("a crash while writing leaves the previous checkpoint readable", async () => {
    const path = join(folder, "last.safetensors")
    await saveWhole(path, file)
    writeFileSync(`${path}.123.tmp`, file.subarray(0, 50))
    expect((await loadCheckpoint(path, manifest)).position).toEqual(position)
  })
  test("a folder in the way", async () => {
    expect((await rejection(saveWhole(folder, file))).slice(0, 1)).toEqual(["checkpoint-write"])
  })
  test("run folders are numbered, and stand for their last checkpoint", async () => {
    expect([newRunFolder(folder, "tiny").path, newRunFolder(folder, "tiny").path]).toEqual([
      join(folder, "tiny-1"),
      join(folder, "tiny-2"),
    ])
    const run = newRunFolder(folder, "tiny")
    await run.save("last", file, { step: 20, keep: 1 })
    expect((await loadCheckpoint(run.path, manifest)).position?.step).toBe(20)
    expect((await rejection(loadCheckpoint(join(folder, "tiny-1"), manifest)))[0]).toBe("checkpoint-missing")
  })
  test("a run that kept its best checkpoint alone names it", async () => {
    const run = newRunFolder(folder, "tiny")
    await run.save("best", file, { step: 20, keep: 1 })
    expect(await rejection(loadCheckpoint(run.path, manifest))).toEqual([
      "checkpoint-missing",
      expect.stringContaining("last.safetensors cannot be read"),
      expect.stringContaining(join(run.path, "checkpoints", "best.safetensors")),
    ])
  })
})

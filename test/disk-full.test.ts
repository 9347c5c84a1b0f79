// A file system that is really full, in the middle of a run: a small one of its own, which only root may mount.

import { spawnSync } from "node:child_process"
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs"
import { join, resolve } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { nnc, temporaryFolder } from "./support/nnc.js"

/** For lock and log, and not for a checkpoint beside the one that is there. */
const ROOM_TO_BEGIN = 8 * 1024
const disk = temporaryFolder()
const reason = mountSmall(disk)
afterAll(() => {
  if (reason === undefined) spawnSync("umount", [disk])
})

describe.skipIf(reason)(`a full disk${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  it("stops the run with its reason; the checkpoint before is whole, and continues once there is room", () => {
    const program = resolve("examples/cancer/cancer.nn")
    const train = (epochs: string, out: string, ...more: string[]): ReturnType<typeof nnc> =>
      nnc(["train", program, "--device", "wasm", "--epochs", epochs, "--out", out, ...more])
    const run = join(disk, "run")
    const last = join(run, "checkpoints/last.safetensors")
    const best = join(run, "checkpoints/best.safetensors")
    expect(train("10", run).exit).toBe(0)
    const before = readFileSync(last)
    const files = readdirSync(join(run, "checkpoints"))

    const ballast = join(disk, "ballast")
    fill(ballast)
    const refused = train("20", run, "--resume", run)
    expect(refused.exit).toBe(3)
    expect(refused.err).toContain(`error[checkpoint-write]: ${run} cannot be written: the disk is full`)

    truncateSync(ballast, statSync(ballast).size - ROOM_TO_BEGIN)
    const { exit, err } = train("20", run, "--resume", run)
    expect(exit).toBe(3)
    expect(err).toContain(`error[checkpoint-write]: ${best} cannot be written: the disk is full`)
    expect(err).toContain("help: what was there before is untouched")
    expect(readFileSync(last).equals(before)).toBe(true)
    expect(readdirSync(join(run, "checkpoints"))).toEqual(files)

    rmSync(ballast)
    expect(train("20", run, "--resume", run).exit).toBe(0)
    const whole = join(temporaryFolder(), "whole")
    expect(train("20", whole).exit).toBe(0)
    expect(readFileSync(last).equals(readFileSync(join(whole, "checkpoints/last.safetensors")))).toBe(true)
  })
})

/** Why it could not be mounted. */
function mountSmall(folder: string): string | undefined {
  if (process.platform !== "linux") return "needs Linux's tmpfs"
  const { status, stderr, error } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], {
    encoding: "utf8",
  })
  return status === 0 ? undefined : (error?.message ?? stderr).trim().split("\n")[0]
}

/** Until not a byte more goes in. */
function fill(path: string): void {
  for (let bytes = 64 * 1024; bytes >= 1;)
    try {
      appendFileSync(path, Buffer.alloc(bytes))
    } catch {
      bytes /= 2
    }
}

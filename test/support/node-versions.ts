/** test: other versions of Node than the one that runs the tests. npm's package `node` has the program of each. */
import { spawnSync } from "node:child_process"

/** The versions that nnc supports: Node's own maintained ones, and the newest. */
const SUPPORTED = [20, 22, 24, 26] as const

export interface NodeVersion {
  readonly major: number
  /** Path of the program; undefined where npm cannot bring it. */
  readonly program: string | undefined
}

export function otherNodeVersions(): NodeVersion[] {
  const own = Number.parseInt(process.versions.node, 10)
  return SUPPORTED.filter((major) => major !== own).map((major) => ({ major, program: fetched(major) }))
}

function fetched(major: number): string | undefined {
  const { status, stdout } = spawnSync(
    "npx",
    ["--yes", "--prefer-offline", "--package", `node@${major}`, "--", "node", "-p", "process.execPath"],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], shell: process.platform === "win32" },
  )
  const path = stdout?.trim().split("\n").at(-1)
  // Where npm has no program for this machine, `node` on the PATH answers instead.
  return status === 0 && path && version(path) === major ? path : undefined
}

function version(program: string): number | undefined {
  const { stdout } = spawnSync(program, ["-p", "process.versions.node"], { encoding: "utf8" })
  return stdout ? Number.parseInt(stdout, 10) : undefined
}

// Debian and Ubuntu's package manager, as far as installing a software Vulkan driver or a browser needs it.

import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"

const BACKPORTS_FILE = "/etc/apt/sources.list.d/nnc-backports.sources"
const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

export interface Outcome {
  readonly ok: boolean
  readonly output: string
}

/** Name and codename of a system with apt that we may install on, or undefined. */
export function aptSystem(): { readonly id: string; readonly codename: string } | undefined {
  if (process.platform !== "linux" || !existsSync("/usr/bin/apt-get") || !existsSync("/etc/os-release"))
    return undefined
  const text = readFileSync("/etc/os-release", "utf8")
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? ""
  return { id: field("ID"), codename: field("VERSION_CODENAME") }
}

/** Whether this process may install packages: as root, unless NNC_NO_INSTALL forbids it. */
export function mayInstall(): boolean {
  return aptSystem() !== undefined && process.getuid?.() === 0 && !process.env["NNC_NO_INSTALL"]
}

export function update(): Outcome {
  return apt("apt-get", ["update"])
}

export function install(packages: readonly string[], release?: string): Outcome {
  const from = release ? ["-t", release] : []
  const flags = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
  return apt("apt-get", ["install", ...flags, ...from, ...packages])
}

/** Major version that apt would install, 0 when it knows no such package. */
export function candidateMajor(name: string): number {
  const { output } = apt("apt-cache", ["policy", name])
  return Number(/Candidate: (?:\d+:)?(\d+)\./.exec(output)?.[1] ?? 0)
}

/** Makes the backports of this Debian release known to apt; `undo` takes that back. Undefined when apt names no mirror. */
export function addBackports(
  codename: string,
): { readonly release: string; readonly undo: () => void } | undefined {
  const release = `${codename}-backports`
  if (apt("apt-cache", ["policy"]).output.includes(`n=${release}`)) return { release, undo: () => {} }
  const mirror = debianMirror(codename)
  if (mirror === undefined) return undefined
  writeFileSync(
    BACKPORTS_FILE,
    [
      "Types: deb",
      `URIs: ${mirror}`,
      `Suites: ${release}`,
      "Components: main",
      ...(existsSync(DEBIAN_KEYRING) ? [`Signed-By: ${DEBIAN_KEYRING}`] : []),
      "",
    ].join("\n"),
  )
  update()
  return { release, undo: () => rmSync(BACKPORTS_FILE, { force: true }) }
}

/** The mirror this machine uses already, so that a machine behind a local mirror keeps using it. */
function debianMirror(codename: string): string | undefined {
  const { output } = apt("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
    `Codename: ${codename}`,
  ])
  return /^https?:\S+$/m.exec(output)?.[0]
}

export function lastLines(output: string): string {
  return output.trim().split("\n").slice(-6).join("\n")
}

function apt(command: string, args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
  })
  return { ok: status === 0, output: `${stdout ?? ""}${stderr ?? ""}` }
}

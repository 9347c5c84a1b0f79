/** runtime/device: the offer of a WebGPU adapter against the requirements of a build. */
import type { BuildSpec, WebgpuLimits, WebgpuRequirements } from "../bundle/format.js"
import type { DeviceInfo } from "./device.js"
import { mib } from "./webgpu.js"

/** The features and limits of an adapter. */
export interface Offer extends Pick<DeviceInfo, "software" | "features"> {
  readonly limits: WebgpuLimits
}
export interface Obstacle {
  readonly why: string
  readonly help: string
}

/** The first requirement that the adapter does not meet; undefined where it meets all. */
export function obstacleOn(offer: Offer, needs: WebgpuRequirements): Obstacle | undefined {
  if (needs.software !== undefined && needs.software !== offer.software) {
    const [made, found] = needs.software ? ["software adapters", "a GPU"] : ["GPUs", "software"]
    return {
      why: `it is ${found}, and the code is for ${made}`,
      help: "compile the source again without `--for`",
    }
  }
  const missing = needs.features.filter((feature) => !offer.features.includes(feature))
  if (missing.length > 0)
    return {
      why: `it has no ${missing.join(", ")}, which this bundle was compiled to use`,
      help: missing.includes("shader-f16")
        ? "f16 and `precision mixed` need it; `--device wasm` runs them without"
        : "compile for a smaller device profile",
    }
  for (const [limit, what] of LIMITS) {
    const [needed, offered] = [needs.limits[limit], offer.limits[limit]]
    if (needed > offered) return { why: what(needed, offered), help: SMALLER }
  }
  return undefined
}

const SMALLER = "compile for a smaller device profile, or use a smaller batch"
const LIMITS: readonly (readonly [keyof WebgpuLimits, (needed: number, offered: number) => string])[] = [
  ["maxBufferSize", (n, most) => `a buffer of ${mib(n)} is needed, it offers ${mib(most)}`],
  ["maxStorageBufferBindingSize", (n, most) => `a binding of ${mib(n)} is needed, it offers ${mib(most)}`],
  ["maxStorageBuffersPerShaderStage", (n, most) => `a kernel binds ${n} buffers, it allows ${most}`],
]

export interface PassedOver {
  readonly target: string
  readonly why: string
}
export interface BuildChoice {
  /** Absent: the adapter runs none of them. */
  readonly build?: BuildSpec
  /** The builds before it, and why the adapter does not run them. */
  readonly passedOver: readonly (PassedOver & Obstacle)[]
}

/** The first build for WebGPU that an adapter can run. */
export function buildFor(builds: readonly BuildSpec[], offer: Offer): BuildChoice {
  const passedOver: (PassedOver & Obstacle)[] = []
  for (const build of builds) {
    if (build.requires.device !== "webgpu") continue
    const obstacle = obstacleOn(offer, build.requires)
    if (obstacle === undefined) return { build, passedOver }
    passedOver.push({ target: build.target, ...obstacle })
  }
  return { passedOver }
}

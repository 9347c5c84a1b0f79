/** bundle: the kernels of a plan as a manifest has them, and their requirements of an adapter. */
import type { BuildSpec, KernelSpec, WebgpuRequirements } from "../../runtime/bundle/format.js"
import type { Plan } from "../ir/plan/types.js"
import type { TargetProfile } from "../targets/index.js"

export type Layout = Pick<BuildSpec, "arenas" | "slots" | "programs">

export const kernelSpecs = ({ kernels }: Pick<Plan, "kernels">): readonly KernelSpec[] =>
  kernels.map((k) => ({
    name: k.name,
    file: `kernels/${k.name}.wgsl`,
    bindings: k.params.map((p) => ({ name: p.name, access: p.access === "read" ? "read" : "read_write" })),
    origins: [...new Set(k.origins.map((o) => o.at).filter((at) => at !== ""))],
  }))

/** The requirements of these kernels, each with its text. */
export function requirementsOf(
  { adapter }: TargetProfile,
  { arenas, programs }: Layout,
  kernels: readonly (readonly [KernelSpec, string])[],
): WebgpuRequirements {
  const { software, features = [] } = adapter ?? {}
  const enabled = kernels.flatMap(([, text]) =>
    [...text.matchAll(/^enable ([\w ,]+);/gm)].flatMap(([, list]) => list!.split(",")),
  )
  const used = enabled.flatMap((name) => FEATURES[name.trim()] ?? [])
  const ranges = programs.flatMap(({ dispatches }) => dispatches.flatMap((d) => d.bindings))
  return {
    device: "webgpu",
    ...(software !== undefined && { software }),
    features: [...new Set([...features, ...used])],
    limits: {
      maxBufferSize: largest(arenas.map(({ bytes }) => bytes)),
      // A data field is bound as a whole: its size is known when the data are.
      maxStorageBufferBindingSize: largest(
        ranges.filter(({ arena }) => !arena.startsWith("data:")).map(({ bytes }) => bytes),
      ),
      maxStorageBuffersPerShaderStage: largest(kernels.map(([{ bindings }]) => bindings.length)),
    },
  }
}
/** WGSL extensions and the device features they stand for. */
const FEATURES: Readonly<Record<string, string>> = { f16: "shader-f16", subgroups: "subgroups" }
const largest = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b), 0)

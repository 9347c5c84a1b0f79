/** targets: a GPU through WebGPU whose adapter has the feature `subgroups`. */
import type { TargetProfile } from "./target.js"
import { DEFAULT_TARGET } from "./webgpu-gpu.js"

export const SUBGROUP_TARGET: TargetProfile = {
  ...DEFAULT_TARGET,
  name: "webgpu-subgroups",
  adapter: { software: false, features: ["subgroups"] },
  subgroups: true,
}

/** ir/kernels: compares kernels by their computation, whatever their names. */
import { printKernel } from "./text.js"
import type { Kernel } from "./types.js"

/** Text with parameters named by position: equal for kernels that compute the same. */
export function canonical(kernel: Omit<Kernel, "name" | "origins">): string {
  const text = printKernel({ ...kernel, name: "k", origins: [] })
  const names = new Map(kernel.params.map((p, i) => [p.name, `p${i}_`]))
  const pattern = new RegExp(`\\b(${[...names.keys()].join("|")})(?=_next|\\b)`, "g")
  return kernel.params.length === 0 ? text : text.replace(pattern, (n) => names.get(n)!)
}

/** runtime/bundle: the kernels and programs of a bundle for one kind of WebGPU adapters among those it was compiled for.
 *  Not here:   the choice between WebGPU and WebAssembly (device/choose.ts). */
import {
  type AdapterKind,
  type Bundle,
  type KernelSpec,
  type Manifest,
  suits,
  type VariantSpec,
} from "./format.js"

/** The bundle as an adapter of this kind sees it. */
export function forAdapter(bundle: Bundle, adapter: AdapterKind): Bundle {
  const { variants = [], ...own } = bundle.manifest
  const chosen = variants.find((v) => suits(v, adapter))
  return { ...bundle, manifest: chosen === undefined ? own : asVariant(own, chosen) }
}

/** Every kernel of a bundle, once. */
export function allKernels({ kernels, variants = [] }: Manifest): readonly KernelSpec[] {
  const more = variants.flatMap((v) => v.kernels.filter((k) => typeof k !== "string"))
  return [...new Map([...kernels, ...more].map((k) => [k.name, k])).values()]
}

function asVariant(own: Manifest, { target, arenas, slots, kernels, programs }: VariantSpec): Manifest {
  return {
    ...own,
    target,
    arenas: arenas ?? own.arenas,
    slots: slots ?? own.slots,
    kernels: replaced(own.kernels, kernels),
    programs: replaced(own.programs, programs),
  }
}

function replaced<T extends { readonly name: string }>(
  own: readonly T[],
  list: readonly (T | string)[],
): T[] {
  const byName = new Map(own.map((x) => [x.name, x]))
  return list.flatMap((x) => (typeof x === "string" ? (byName.get(x) ?? []) : [x]))
}

/** play: the times of the kernels of a step -> the share of each line of the program, and of each kernel. */
import type { StepProfile } from "nnc/runtime/browser"

export interface Share {
  /** The share of the time of all kernels, from 0 to 1. */
  readonly share: number
  readonly ms: number
}
export interface Shares {
  /** By number. The time of a kernel is divided evenly among the lines that it comes from. */
  readonly lines: ReadonlyMap<number, Share>
  readonly kernels: ReadonlyMap<string, Share>
}

export function sharesOf({ kernels }: StepProfile, path: string): Shares {
  const [byLine, byKernel] = [new Map<number, number>(), new Map<string, number>()]
  for (const { kernel, ms, origins } of kernels) {
    byKernel.set(kernel, (byKernel.get(kernel) ?? 0) + ms)
    const lines = new Set(
      origins.flatMap((at) => {
        const [file, line] = at.split(":")
        return file === path ? [Number(line)] : []
      }),
    )
    for (const line of lines) byLine.set(line, (byLine.get(line) ?? 0) + ms / lines.size)
  }
  const all = kernels.reduce((sum, { ms }) => sum + ms, 0)
  const shared = <K>(times: ReadonlyMap<K, number>): ReadonlyMap<K, Share> =>
    new Map([...times].map(([key, ms]) => [key, { ms, share: all > 0 ? ms / all : 0 }]))
  return { lines: shared(byLine), kernels: shared(byKernel) }
}

export const shareText = ({ share }: Share): string =>
  share < 0.005 ? "< 1 %" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`

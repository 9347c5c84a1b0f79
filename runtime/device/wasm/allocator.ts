/** runtime/device/wasm: pieces of a linear memory: first fit, freed neighbours joined.
 *  Guarantees: pieces start at multiples of 64 and never overlap.
 *  Not here:   the memory itself (device.ts makes it grow). */

/** A cache line: two threads never write into one. */
const ALIGNMENT = 64

interface Gap {
  from: number
  to: number
}

export class Allocator {
  private readonly gaps: Gap[] = []

  /** `grow` makes the memory reach at least to `end`. */
  constructor(
    private end: number,
    private readonly grow: (end: number) => void,
  ) {
    this.end = align(end)
  }

  take(bytes: number): number {
    const size = align(Math.max(1, bytes))
    const gap = this.gaps.find(({ from, to }) => to - from >= size)
    if (gap) {
      const at = gap.from
      gap.from += size
      if (gap.from === gap.to) this.gaps.splice(this.gaps.indexOf(gap), 1)
      return at
    }
    const at = this.end
    this.grow(at + size)
    this.end = at + size
    return at
  }

  give(at: number, bytes: number): void {
    let [from, to] = [at, at + align(Math.max(1, bytes))]
    for (let i = this.gaps.length - 1; i >= 0; i--) {
      const gap = this.gaps[i]!
      if (gap.to !== from && gap.from !== to) continue
      from = Math.min(from, gap.from)
      to = Math.max(to, gap.to)
      this.gaps.splice(i, 1)
    }
    if (to === this.end) this.end = from
    else this.gaps.push({ from, to })
  }
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

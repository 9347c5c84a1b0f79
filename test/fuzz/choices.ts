/** test: the choices that made a program, as a tree: each part of a program draws from a branch of its own, so a part can be made
 *  simpler, or replaced by a part of it, without a change to what its neighbours chose. 0 is the simplest choice everywhere. */
import type { Random } from "../support/random.js"

export interface Tree {
  readonly values: readonly number[]
  readonly branches: readonly Tree[]
}
const EMPTY: Tree = { values: [], branches: [] }

interface Record {
  values: number[]
  branches: Record[]
}

/** Repeats the choices of a tree; where there are none, draws at random, or takes the simplest. */
export class Choices {
  private readonly made: Record = { values: [], branches: [] }

  constructor(
    private readonly given: Tree,
    private readonly random: Random | null,
  ) {}

  static drawn(random: Random): Choices {
    return new Choices(EMPTY, random)
  }
  static repeated(tree: Tree): Choices {
    return new Choices(tree, null)
  }

  /** From 0 to `count` - 1. */
  below(count: number): number {
    const known = this.given.values[this.made.values.length]
    const value = known ?? (this.random === null ? 0 : Math.floor(this.random() * count))
    const chosen = Math.min(value, count - 1)
    this.made.values.push(chosen)
    return chosen
  }
  /** The next branch. */
  branch(): Choices {
    const branch = new Choices(this.given.branches[this.made.branches.length] ?? EMPTY, this.random)
    this.made.branches.push(branch.made)
    return branch
  }
  /** What was chosen so far. */
  get tree(): Tree {
    return this.made
  }
}

/** Trees that are simpler in one place, the largest steps first. */
export function* simpler(tree: Tree): Generator<Tree> {
  const places = [...placesOf(tree, [])].sort((a, b) => sizeOf(at(tree, b)) - sizeOf(at(tree, a)))
  for (const place of places) {
    const part = at(tree, place)
    if (sizeOf(part) > 0) yield replaced(tree, place, EMPTY)
    for (const branch of part.branches) yield replaced(tree, place, branch)
  }
  for (const place of places) {
    const part = at(tree, place)
    for (const [i, value] of part.values.entries()) {
      for (const smaller of new Set([0, value >> 1, value - 1])) {
        if (smaller < 0 || smaller >= value) continue
        yield replaced(tree, place, { ...part, values: part.values.with(i, smaller) })
      }
    }
  }
}

/** The simplest tree that is reached by steps after which `holds` still holds, in at most so many tries. */
export async function shrink(
  tree: Tree,
  holds: (simpler: Tree) => Promise<boolean>,
  tries: number,
): Promise<Tree> {
  let best = tree
  let left = tries
  const seen = new Set([JSON.stringify(tree)])
  for (let moved = true; moved && left > 0;) {
    moved = false
    for (const candidate of simpler(best)) {
      const text = JSON.stringify(candidate)
      if (seen.has(text)) continue
      seen.add(text)
      if (left-- <= 0) break
      if (!(await holds(candidate))) continue
      best = candidate
      moved = true
      break
    }
  }
  return best
}

type Place = readonly number[]

function* placesOf(tree: Tree, place: Place): Generator<Place> {
  if (place.length > 0) yield place
  for (const [i, branch] of tree.branches.entries()) yield* placesOf(branch, [...place, i])
}
const at = (tree: Tree, place: Place): Tree => place.reduce((t, i) => t.branches[i]!, tree)
const sizeOf = (tree: Tree): number =>
  tree.values.reduce((n, v) => n + (v > 0 ? 1 : 0), 0) + tree.branches.reduce((n, b) => n + sizeOf(b), 0)

function replaced(tree: Tree, [first, ...rest]: Place, by: Tree): Tree {
  if (first === undefined) return by
  return { ...tree, branches: tree.branches.map((b, i) => (i === first ? replaced(b, rest, by) : b)) }
}

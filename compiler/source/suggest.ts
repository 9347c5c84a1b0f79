/** source: which known name was probably meant. */

/** The known name nearest to `word`, when it is near enough to be a slip; or the only one that it is the beginning of. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const names = [...new Set(known)]
  const [slip] = suggestions(word, names)
  if (slip !== undefined) return slip
  const [longer, ...others] =
    word.length < 3 ? [] : names.filter((name) => name.startsWith(word) && name !== word)
  return others.length === 0 ? longer : undefined
}

/** All known names within a slip of `word`, nearest first; among equals those with the same
 *  capitals, then in the order given. */
export function suggestions(word: string, known: Iterable<string>): string[] {
  const limit = Math.max(1, Math.floor(word.length / 3))
  return [...new Set(known)]
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= limit && name !== word)
    .sort((a, b) => a.distance - b.distance || editDistance(word, a.name) - editDistance(word, b.name))
    .map(({ name }) => name)
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = above
    above = row
  }
  return above[b.length]!
}

/** runtime: nearest names for messages. */

/** `did you mean "a", "b"?` or all of them when few; undefined when nothing is close. */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const scored = names
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(
      ({ name, distance }) => distance <= Math.max(2, Math.floor(Math.max(wanted.length, name.length) / 3)),
    )
    .sort((a, b) => a.distance - b.distance)
  if (scored.length > 0) return `did you mean ${quoted(scored.slice(0, 3).map(({ name }) => name))}?`
  return names.length <= 12 ? `there is ${quoted(names)}` : undefined
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ")

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

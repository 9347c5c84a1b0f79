/** cli: rows of cells -> lines of text in columns. */

/** `right`: the columns of numbers, which line up at their right. Columns that are empty but for their title are left out. */
export function inColumns(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[],
): readonly string[] {
  const shown = titles.map((_, i) => i).filter((i) => rows.some((row) => row[i] !== ""))
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  return [titles, ...rows].map((row) =>
    shown
      .map((i) => (right.includes(titles[i]!) ? row[i]!.padStart(widths[i]!) : row[i]!.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  )
}

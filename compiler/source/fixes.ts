/** source: the repairs that diagnostics carry -> changed text.
 *  Guarantees: repairs that overlap are not mixed: the first one wins, the others wait for the next look at the changed text.
 *  Not here:   finding repairs (beside the checks), writing files. */
import type { Diagnostic, Fix } from "./diagnostic.js"
import type { SourceFile } from "./source.js"

export interface Repaired {
  readonly file: SourceFile
  readonly text: string
  /** How many repairs were made. */
  readonly count: number
}

/** Each file that a repair changes, with its new text. */
export function applyFixes(diagnostics: readonly Diagnostic[]): Repaired[] {
  const fixes = diagnostics.flatMap(({ fix }) => fix ?? [])
  return [...new Set(fixes.map(({ span }) => span.file))].map((file) => {
    const chosen = disjoint(fixes.filter(({ span }) => span.file === file))
    return { file, text: replaced(file.text, chosen), count: chosen.length }
  })
}

/** The fixes in source order, without those that share text, or a place of insertion, with one before them. */
function disjoint(fixes: readonly Fix[]): Fix[] {
  const chosen: Fix[] = []
  for (const fix of [...fixes].sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end)) {
    const last = chosen.at(-1)
    const touches = last !== undefined && fix.span.start === last.span.end
    const replaces = (f: Fix): boolean => f.span.end > f.span.start
    const apart = last === undefined || fix.span.start > last.span.end
    if (apart || (touches && replaces(fix) && replaces(last))) chosen.push(fix)
  }
  return chosen
}

function replaced(text: string, fixes: readonly Fix[]): string {
  let [out, from] = ["", 0]
  for (const { span, replacement } of fixes) {
    out += text.slice(from, span.start) + replacement
    from = span.end
  }
  return out + text.slice(from)
}

/** check: integers used as indices: classes that a field declares against those that a loss tells apart, and indices written in
 *  the program.
 *  Not here:   the values of data: they are checked against the same bounds when they are read (runtime/data). */
import { indexUses, withinBound, type IndexUse } from "../ir/model/index-bounds.js"
import type { Section } from "../ir/model/types.js"
import { countOf } from "./data/stages/index.js"
import type { Env } from "./env.js"
import type { ReadField } from "./read-sets.js"
import { complain } from "./report.js"

/** `env` is of the section; `fieldRead` gives the fields of data that it reads, by their names there. */
export function checkIndices(
  env: Env,
  section: Section,
  fieldRead: (name: string) => ReadField | undefined = () => undefined,
): void {
  if (env.cx.diagnostics.hasErrors) return
  for (const use of indexUses(section)) {
    const outside = use.constants.find((value) => !withinBound(value, use.bound))
    if (outside !== undefined) refuseConstant(env, use, outside)
    for (const { source } of use.inputs.keys()) {
      const read = source.kind === "data" ? fieldRead(source.field) : undefined
      if (source.kind === "data" && read) compareField(env, use, source.field, read)
    }
  }
}

function refuseConstant(env: Env, use: IndexUse, value: number): void {
  const span = env.section.places.get(use.value)
  if (span)
    complain(env, {
      code: "index-range",
      message: `the index ${value} is outside of what it picks from: ${use.bound.below} places`,
      span,
      label: `places are 0 to ${use.bound.below - 1}`,
    })
}

function compareField(env: Env, use: IndexUse, name: string, { field, decl }: ReadField): void {
  const span = env.section.places.get(use.value)
  const declared = field.stages.map(countOf).find((n) => n !== undefined)
  const { below } = use.bound
  if (!span || declared === undefined || declared.count <= below) return
  complain(env, {
    code: "class-count",
    message: `\`${name}\` goes up to ${declared.count - 1}, and there are only ${below} places for it here: 0 to ${below - 1}`,
    span,
    label: `picks one of ${below} by \`${name}\``,
    related: [{ span: decl.value.span, text: `declared ${declared.stage}(${declared.count})` }],
    help: `make room for ${declared.count} here, or declare ${declared.stage}(${below}) there`,
  })
}

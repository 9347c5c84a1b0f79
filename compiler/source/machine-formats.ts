/** source: diagnostics -> the formats that other programs show beside the code: SARIF 2.1.0 (OASIS) for code scanning, and workflow
 *  commands, which GitHub Actions turns into annotations. JSON of our own is in render.ts. */
import type { Diagnostic, Label } from "./diagnostic.js"
import { positionAt, type Span } from "./source.js"

const SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

/** A SARIF log with one run. `titleOf` gives the title of a code's page. */
export function sarifLog(
  diagnostics: readonly Diagnostic[],
  tool: { readonly version: string; readonly titleOf: (code: string) => string | undefined },
): object {
  const codes = [...new Set(diagnostics.map(({ code }) => code))]
  return {
    $schema: SARIF_SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "nnc",
            version: tool.version,
            rules: codes.map((id) => ({ id, shortDescription: { text: tool.titleOf(id) ?? id } })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((each) => sarifResult(each, codes)),
      },
    ],
  }
}

function sarifResult(diagnostic: Diagnostic, codes: readonly string[]): object {
  const { code, severity, message, primary, related = [], help, fix } = diagnostic
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: [message, primary?.text, help].filter((part) => part).join("\n") },
    ...(primary && { locations: [location(primary)] }),
    ...(related.length > 0 && { relatedLocations: related.map(location) }),
    ...(fix && {
      fixes: [
        {
          artifactChanges: [
            {
              artifactLocation: { uri: uri(fix.span) },
              replacements: [{ deletedRegion: region(fix.span), insertedContent: { text: fix.replacement } }],
            },
          ],
        },
      ],
    }),
  }
}

const location = ({ span, text }: Label): object => ({
  physicalLocation: { artifactLocation: { uri: uri(span) }, region: region(span) },
  ...(text !== "" && { message: { text } }),
})

const uri = ({ file }: Span): string => file.path.split(/[\\/]/).map(encodeURIComponent).join("/")

function region({ file, start, end }: Span): object {
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  return { startLine: from.line, startColumn: from.column, endLine: to.line, endColumn: to.column }
}

/** `::error file=m.nn,line=3,col=11,...::message`, a line per diagnostic. */
export function githubAnnotation({ code, severity, message, primary, help }: Diagnostic): string {
  const place = primary && githubPlace(primary.span)
  const properties = Object.entries({ ...place, title: code }).map(
    ([name, value]) => `${name}=${escapeProperty(String(value))}`,
  )
  const text = [message, primary?.text, help && `help: ${help}`].filter((part) => part).join("\n")
  return `::${severity === "note" ? "notice" : severity} ${properties.join(",")}::${escapeData(text)}`
}

function githubPlace({ file, start, end }: Span): Record<string, string | number> {
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  const lines = { file: file.path, line: from.line, endLine: to.line }
  // GitHub takes columns only of a place within one line.
  return from.line === to.line ? { ...lines, col: from.column, endColumn: to.column } : lines
}

/** Escapes data as the runner's own toolkit does. */
const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C")

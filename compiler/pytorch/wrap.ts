/** pytorch: breaks lines that are too long at the commas of their outermost brackets, as formatters of Python do. */

const WIDEST = 100

export function wrapped(text: string): string {
  let inDoc = false
  return text
    .split("\n")
    .flatMap((line) => {
      const quotes = line.split('"""').length - 1
      const isCode = !inDoc && quotes === 0 && !/^\s*#/.test(line)
      if (quotes === 1) inDoc = !inDoc
      return isCode ? wrap(line) : [line]
    })
    .join("\n")
}

function wrap(line: string): string[] {
  if (line.length <= WIDEST) return [line]
  const group = largestGroup(line)
  if (group === undefined) return [line]
  const { open, close } = group
  const indent = /^ */.exec(line)![0]
  const inner = partsOf(line.slice(open + 1, close))
  if (inner.length === 0) return [line]
  const isGenerator =
    inner.length === 1 &&
    !line
      .slice(open + 1, close)
      .trimEnd()
      .endsWith(",")
  return [
    line.slice(0, open + 1),
    ...inner.flatMap((part, i) =>
      wrap(`${indent}    ${part}${isGenerator && i === inner.length - 1 ? "" : ","}`),
    ),
    ...wrap(`${indent}${line.slice(close)}`),
  ]
}

/** The pair of outermost brackets with most in it. */
function largestGroup(line: string): { readonly open: number; readonly close: number } | undefined {
  let found: { open: number; close: number } | undefined
  let [depth, open] = [0, 0]
  for (const [i, c] of walk(line)) {
    if ("([{".includes(c) && depth++ === 0) open = i
    if (")]}".includes(c) && --depth === 0 && i - open > (found ? found.close - found.open : 12))
      found = { open, close: i }
  }
  return found
}

function partsOf(text: string): string[] {
  const parts: string[] = []
  let [depth, from] = [0, 0]
  for (const [i, c] of walk(text)) {
    if ("([{".includes(c)) depth++
    if (")]}".includes(c)) depth--
    if (c === "," && depth === 0) {
      parts.push(text.slice(from, i).trim())
      from = i + 1
    }
  }
  return [...parts, text.slice(from).trim()].filter((part) => part !== "")
}

/** Characters outside of texts. */
function* walk(line: string): Iterable<readonly [number, string]> {
  let inText = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!
    if (c === '"' && line[i - 1] !== "\\") inText = !inText
    else if (!inText) yield [i, c]
  }
}

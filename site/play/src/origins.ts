/** play: the text of a stage -> the same without its notes of places, which become the lines of the program that each line comes from. */
import type { StageText } from "./protocol.js"

/** A kernel names all its places on lines of their own, above or at the head of its body; other lines name one at their end. */
export function originsOf(text: string, path: string): StageText {
  const place = new RegExp(`${path.replaceAll(".", "\\.")}:(\\d+):\\d+`)
  const alone = new RegExp(`^\\s*(?://|from) "?${place.source}"?( in .*)?$`)
  const lines: string[] = []
  const origins: (readonly number[])[] = []
  /** The lines of the program behind the kernel that the present lines belong to. */
  let block: number[] = []
  let isHead = false
  for (const line of text.split("\n")) {
    const own = alone.exec(line)
    if (own) {
      if (!isHead) block = []
      isHead = true
      const number = Number(own[1])
      if (!block.includes(number)) block.push(number)
      continue
    }
    if (/^\s*kernel /.test(line) || /^(program|plan|graph) /.test(line)) block = []
    const tail = place.exec(line)
    origins.push(tail ? [Number(tail[1])] : isHead || block.length > 0 ? block : [])
    isHead = false
    lines.push(line.replace(new RegExp(`\\s*// ${place.source}.*$`), ""))
  }
  return { text: lines.join("\n"), origins }
}

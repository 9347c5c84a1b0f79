/** cli: `nnc explain CODE`: the page behind a message. */
import type { Command } from "commander"
import { printPage } from "../../source/codes.js"
import { nearest } from "../../source/suggest.js"
import { allCodes } from "../codes.js"
import { print } from "../console.js"
import { Failure } from "../failure.js"

export function addExplain(program: Command): void {
  program
    .command("explain")
    .description("say more about a message: why the rule is so, and what to do")
    .argument("[code]", "what stands in square brackets; none lists all")
    .action((code: string | undefined) => {
      if (code === undefined) return print(list())
      const page = allCodes[code]
      if (page === undefined) {
        const near = nearest(code, Object.keys(allCodes))
        throw new Failure(
          "explain-code",
          `there is no message with the code \`${code}\``,
          near === undefined ? "`nnc explain` lists all codes" : `did you mean \`${near}\`?`,
        )
      }
      print(printPage(code, page))
    })
}

function list(): string {
  const width = Math.max(...Object.keys(allCodes).map((code) => code.length))
  return Object.entries(allCodes)
    .map(([code, { title }]) => `${code.padEnd(width)}  ${title}`)
    .join("\n")
}

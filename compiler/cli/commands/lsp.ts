/** cli: `nnc lsp`: the services of an editor over standard input and output. */
import type { Command } from "commander"

export function addLsp(program: Command): void {
  program
    .command("lsp")
    .description("serve an editor: mistakes, shapes, completion, renaming, by the Language Server Protocol")
    .option("--stdio", "over standard input and output (the only way, and the default)")
    .action(async () => {
      // Loaded here: no other command needs it.
      const { serveStreams } = await import("../lsp/streams.js")
      await serveStreams(process.stdin, process.stdout)
    })
}

/** cli/lsp: the server on two streams. */
import { createConnection, ProposedFeatures } from "vscode-languageserver/node"
import { serve } from "./server.js"

/** Until the client says `exit`, or is gone. */
export async function serveStreams(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<void> {
  const connection = createConnection(ProposedFeatures.all, input, output)
  serve(connection)
  await new Promise<void>((resolve) => {
    connection.onExit(() => resolve())
    input.on("close", () => resolve())
  })
}

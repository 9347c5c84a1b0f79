/** cli/lsp: the server on two streams. */
import {
  createConnection,
  LSPErrorCodes,
  Message,
  ProposedFeatures,
  type ResponseMessage,
} from "vscode-languageserver/node"
import { serve } from "./server.js"

/** Until the client says `exit`, or is gone. */
export async function serveStreams(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<void> {
  const connection = createConnection(ProposedFeatures.all, input, output, { cancelUndispatched })
  serve(connection)
  await new Promise<void>((resolve) => {
    connection.onExit(() => resolve())
    input.on("close", () => resolve())
  })
}

/** A request that is cancelled while it waits is not worked on. */
const cancelUndispatched = (message: Message): ResponseMessage | undefined =>
  Message.isRequest(message)
    ? {
        jsonrpc: message.jsonrpc,
        id: message.id,
        error: { code: LSPErrorCodes.RequestCancelled, message: "cancelled" },
      }
    : undefined

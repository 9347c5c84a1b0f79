/** autodiff: the mistakes this room can find. */
import type { Node } from "../ir/graph/types.js"
import type { Diagnostic } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"

/** A loss depends on a wanted value through an operation that cannot be differentiated. */
export function noGradient(node: Node, why: string, span: Span | undefined): Diagnostic {
  const place = span === undefined && node.origin.at !== "" ? ` (${node.origin.at})` : ""
  return {
    code: "no-gradient",
    severity: "error",
    message: `a gradient is needed through ${node.op}, which has none: ${why}${place}`,
    ...(span === undefined ? {} : { primary: { span, text: "no gradient flows through here" } }),
    help: "wrap it in stop_gradient(...) if nothing should flow, or use a smooth operation instead",
  }
}

/** parse: CST -> Ast.
 *  Assumes:    the parser has reported every syntax mistake; the CST may have holes where they are.
 *  Guarantees: every node has a span; statements, fields and declarations with a hole are left out, so what remains is
 *              what was written; `///` comments stand in the `doc` of the declaration they precede.
 *  Not here:   names, types and shapes (check/). */
import type { IToken } from "chevrotain"
import type * as cst from "../../grammar/cst.js"
import type * as ast from "../ir/ast/types.js"
import { docBefore } from "./docs.js"
import { saidTwice } from "./errors.js"
import { readExpression, readPostfix, readString, readType } from "./expressions.js"
import { complete, nameOf, spanOf, the, whole, wholeItem, type Reading } from "./reading.js"
import { readBlock, readTrainBody } from "./statements.js"

export function moduleFromCst(cx: Reading, node: cst.ModuleCstNode, comments: readonly IToken[]): ast.Module {
  return {
    imports: complete(cx, node.children.import, (i) => readImport(cx, i)),
    declarations: complete(cx, node.children.declaration, (d) => readDeclaration(cx, d, comments)),
    unread: cx.unread,
    span: { file: cx.file, start: 0, end: cx.file.text.length },
  }
}

function readImport(cx: Reading, node: cst.ImportCstNode): ast.Import {
  const c = whole(node)
  const names = c.From && (c.Identifier ?? []).map((name) => nameOf(cx, name))
  return { path: readString(cx, the(c.StringLiteral)), ...(names && { names }), span: spanOf(cx, node) }
}

function readDeclaration(
  cx: Reading,
  node: cst.DeclarationCstNode,
  comments: readonly IToken[],
): ast.Declaration {
  const c = whole(node)
  const doc = docBefore(cx.file, comments, spanOf(cx, node).start)
  const head = { ...(doc !== undefined && { doc }), span: spanOf(cx, node) }
  if (c.constant) return readConstant(cx, head, the(c.constant))
  if (c.fn) return readFn(cx, head, the(c.fn))
  if (c.layer) return readLayer(cx, head, the(c.layer))
  if (c.model) return readModel(cx, head, the(c.model))
  if (c.optimizer) return readOptimizer(cx, head, the(c.optimizer))
  if (c.data) return readData(cx, head, the(c.data))
  return readTrain(cx, head, the(c.train))
}

type Head = Pick<ast.LetDecl, "doc" | "span">

function readConstant(cx: Reading, head: Head, node: cst.ConstantCstNode): ast.LetDecl {
  const c = whole(node)
  const name = nameOf(cx, the(c.Identifier))
  return { kind: "let-decl", ...head, name, value: readExpression(cx, the(c.expression)) }
}

function readFn(cx: Reading, head: Head, node: cst.FnCstNode): ast.FnDecl {
  const c = whole(node)
  const name = nameOf(cx, the(c.Identifier))
  const params = readParams(cx, the(c.params))
  return { kind: "fn", ...head, name, params, ...readResult(cx, c.result), body: readBlock(cx, the(c.block)) }
}

function readLayer(cx: Reading, head: Head, node: cst.LayerCstNode): ast.LayerDecl {
  const c = whole(node)
  return {
    kind: "layer",
    ...head,
    name: nameOf(cx, the(c.Identifier)),
    config: readParams(cx, the(c.config)),
    inputs: readParams(cx, the(c.inputs)),
    ...readResult(cx, c.result),
    body: readBlock(cx, the(c.block)),
  }
}

function readModel(cx: Reading, head: Head, node: cst.ModelCstNode): ast.ModelDecl {
  const c = whole(node)
  const name = nameOf(cx, the(c.Identifier))
  if (c.follows) {
    const { Identifier, postfix } = whole(the(c.follows))
    const follows = { leader: nameOf(cx, the(Identifier)), by: readPostfix(cx, the(postfix)) }
    const body = { statements: [], span: head.span }
    return { kind: "model", ...head, name, inputs: [], body, follows }
  }
  const inputs = readParams(cx, the(c.params))
  return {
    kind: "model",
    ...head,
    name,
    inputs,
    ...readResult(cx, c.result),
    ...(c.weights && { from: readPostfix(cx, the(whole(the(c.weights)).postfix)) }),
    body: readBlock(cx, the(c.block)),
  }
}

function readOptimizer(cx: Reading, head: Head, node: cst.OptimizerCstNode): ast.OptimizerDecl {
  const c = whole(node)
  return {
    kind: "optimizer",
    ...head,
    name: nameOf(cx, the(c.Identifier)),
    config: readParams(cx, the(c.params)),
    parameter: nameOf(cx, the(c.parameter)),
    gradient: nameOf(cx, the(c.gradient)),
    body: readBlock(cx, the(c.block)),
  }
}

function readData(cx: Reading, head: Head, node: cst.DataCstNode): ast.DataDecl {
  const c = whole(node)
  const splits = complete(cx, c.split, (s) => readSplit(cx, s))
  const part = (word: "Val" | "Test"): readonly ast.Expr[] => {
    const own = c.part?.filter(({ children }) => children[word])
    return complete(cx, own, (p) => readExpression(cx, the(whole(p).expression)))
  }
  const windows = complete(cx, c.windows, (w) => readSplit(cx, w))
  const where = complete(cx, c.where, (w) => readWhere(cx, w))
  const [vals, tests] = [part("Val"), part("Test")]
  for (const [what, [first, second]] of Object.entries({ split: splits, windows, val: vals, test: tests }))
    if (first && second) cx.diagnostics.add(saidTwice(what, first.span, second.span))
  return {
    kind: "data",
    ...head,
    name: nameOf(cx, the(c.Identifier)),
    source: readExpression(cx, the(c.expression)),
    fields: complete(cx, c.field, (f) => readField(cx, f)),
    ...(splits[0] && { split: splits[0] }),
    ...(windows[0] && { windows: windows[0] }),
    ...(where.length > 0 && { where }),
    ...(vals[0] && { val: vals[0] }),
    ...(tests[0] && { test: tests[0] }),
  }
}

function readField(cx: Reading, node: cst.FieldCstNode): ast.FieldDecl {
  const c = wholeItem(cx, node)
  return {
    name: nameOf(cx, the(c.Identifier)),
    type: readType(cx, the(c.type)),
    value: readExpression(cx, the(c.expression)),
    span: spanOf(cx, node),
  }
}

function readWhere(cx: Reading, node: cst.WhereCstNode): ast.WhereDecl {
  const c = wholeItem(cx, node)
  return { condition: readExpression(cx, the(c.expression)), span: spanOf(cx, node) }
}

function readSplit(cx: Reading, node: cst.SplitCstNode | cst.WindowsCstNode): ast.SplitDecl {
  const c = wholeItem(cx, node)
  const args = (c.AnyWord ?? []).map((word, i): ast.Arg => {
    const name = nameOf(cx, word)
    const value = readExpression(cx, the(c.expression?.slice(i)))
    return { name, value, span: { file: cx.file, start: name.span.start, end: value.span.end } }
  })
  return { args, span: spanOf(cx, node) }
}

function readTrain(cx: Reading, head: Head, node: cst.TrainCstNode): ast.TrainDecl {
  const c = whole(node)
  return {
    kind: "train",
    ...head,
    ...(c.name && { name: nameOf(cx, the(c.name)) }),
    ...(c.data && { data: nameOf(cx, the(c.data)) }),
    beside: (c.beside ?? []).map((name) => nameOf(cx, name)),
    body: readTrainBody(cx, c.trainStatement),
  }
}

function readParams(cx: Reading, node: cst.ParamsCstNode): ast.Param[] {
  return (whole(node).param ?? []).map((param) => readParam(cx, param))
}

function readParam(cx: Reading, node: cst.ParamCstNode): ast.Param {
  const c = whole(node)
  const type = c.type && readType(cx, the(c.type))
  const value = c.expression && readExpression(cx, the(c.expression))
  const name = nameOf(cx, the(c.Identifier))
  return { name, ...(type && { type }), ...(value && { default: value }), span: spanOf(cx, node) }
}

function readResult(cx: Reading, nodes: readonly cst.ResultCstNode[] | undefined): { result?: ast.TypeExpr } {
  return nodes === undefined ? {} : { result: readType(cx, the(whole(the(nodes)).type)) }
}

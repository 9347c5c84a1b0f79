/** parse: CST -> Ast, statements of bodies and of `train`.
 *  Not here:   expressions and types (expressions.ts), declarations (from-cst.ts). */
import type * as cst from "../../grammar/cst.js"
import { tokenSpan } from "../../grammar/layout.js"
import type * as ast from "../ir/ast/types.js"
import { cover, type Span } from "../source/source.js"
import { chainTooLong, notAssignable } from "./errors.js"
import { MAX_CHAIN, readExpression, readPostfix, readType } from "./expressions.js"
import { checkNeighbours } from "./neighbours.js"
import { complete, hole, nameOf, spanOf, the, whole, wholeItem, type Reading } from "./reading.js"

export function readBlock(cx: Reading, node: cst.BlockCstNode): ast.Block {
  const statements = complete(cx, node.children.statement, (s) => readStatement(cx, s))
  checkNeighbours(statements, cx.diagnostics)
  return { statements, span: spanOf(cx, node) }
}

export function readTrainBody(
  cx: Reading,
  nodes: readonly cst.TrainStatementCstNode[] | undefined,
): ast.TrainStmt[] {
  const statements = complete(cx, nodes, (s) => readTrainStatement(cx, s)).flat()
  checkNeighbours(statements, cx.diagnostics)
  return statements
}

/** `else if` is an `else` whose block is one `if`. */
export function readIf(cx: Reading, node: cst.IfCstNode): ast.IfStmt {
  const c = whole(node)
  const branches = c.expression.length
  if (c.block.length !== branches) return hole()
  if (branches > MAX_CHAIN) {
    cx.diagnostics.add(chainTooLong(MAX_CHAIN, spanOf(cx, node)))
    return hole()
  }
  const { end } = spanOf(cx, node)
  let otherwise = c.otherwise && readBlock(cx, the(c.otherwise))
  for (let i = branches - 1; ; i--) {
    const condition = readExpression(cx, c.expression[i]!)
    const then = readBlock(cx, c.block[i]!)
    const start = tokenSpan(cx.file, c.If[i] ?? hole()).start
    const span: Span = { file: cx.file, start, end }
    const branch: ast.IfStmt = { kind: "if", condition, then, ...(otherwise && { else: otherwise }), span }
    if (i === 0) return branch
    otherwise = { statements: [branch], span }
  }
}

function readStatement(cx: Reading, node: cst.StatementCstNode): ast.Stmt {
  const c = wholeItem(cx, node, node.children.if !== undefined || node.children.for !== undefined)
  if (c.let) return readLet(cx, the(c.let))
  if (c.var) return readVar(cx, the(c.var))
  if (c.parameter) return readParameter(cx, the(c.parameter))
  if (c.state) return readState(cx, the(c.state))
  if (c.return) return readReturn(cx, the(c.return))
  if (c.if) return readIf(cx, the(c.if))
  if (c.for) return readFor(cx, the(c.for))
  return readAssignment(cx, the(c.assignment))
}

function readLet(cx: Reading, node: cst.LetCstNode): ast.Stmt {
  const c = whole(node)
  const names = (c.Identifier ?? hole()).map((name) => nameOf(cx, name))
  return { kind: "let", names, value: readExpression(cx, the(c.expression)), span: spanOf(cx, node) }
}

function readVar(cx: Reading, node: cst.VarCstNode): ast.Stmt {
  const c = whole(node)
  const name = nameOf(cx, the(c.Identifier))
  return { kind: "var", name, value: readExpression(cx, the(c.expression)), span: spanOf(cx, node) }
}

function readParameter(cx: Reading, node: cst.ParameterCstNode): ast.Stmt {
  const c = whole(node)
  const as = c.as && readExpression(cx, the(c.as))
  const from = c.weights && readPostfix(cx, the(whole(the(c.weights)).postfix))
  return {
    kind: "param",
    frozen: c.Frozen !== undefined,
    name: nameOf(cx, the(c.Identifier)),
    ...(as && { as }),
    type: readType(cx, the(c.type)),
    init: from ? zeroAt(from.span) : readExpression(cx, the(c.expression)),
    ...(from && { from }),
    span: spanOf(cx, node),
  }
}

const zeroAt = (span: Span): ast.Expr => ({ kind: "number", value: 0, isInt: true, text: "0", span })

function readState(cx: Reading, node: cst.StateCstNode): ast.Stmt {
  const c = whole(node)
  const name = nameOf(cx, the(c.Identifier))
  const type = c.type && readType(cx, the(c.type))
  const init = readExpression(cx, the(c.expression))
  return { kind: "state", name, ...(type && { type }), init, span: spanOf(cx, node) }
}

function readReturn(cx: Reading, node: cst.ReturnCstNode): ast.Stmt {
  return { kind: "return", value: readExpression(cx, the(whole(node).expression)), span: spanOf(cx, node) }
}

function readFor(cx: Reading, node: cst.ForCstNode): ast.Stmt {
  const c = whole(node)
  return {
    kind: "for",
    name: nameOf(cx, the(c.Identifier)),
    range: readExpression(cx, the(c.expression)),
    body: readBlock(cx, the(c.block)),
    span: spanOf(cx, node),
  }
}

function readAssignment(cx: Reading, node: cst.AssignmentCstNode): ast.Stmt {
  const c = whole(node)
  const target = readExpression(cx, the(c.expression))
  const span = spanOf(cx, node)
  if (c.Equals === undefined && c.LeftArrow === undefined) return { kind: "expr", value: target, span }
  const value = readExpression(cx, the(c.value))
  if (target.kind !== "name") {
    cx.diagnostics.add(notAssignable(target.span))
    return hole()
  }
  const name: ast.Name = { text: target.name, span: target.span }
  return { kind: c.Equals === undefined ? "update" : "assign", name, value, span }
}

function readTrainStatement(cx: Reading, node: cst.TrainStatementCstNode): ast.TrainStmt | ast.TrainStmt[] {
  if (node.children.statement) return readStatement(cx, the(whole(node).statement))
  const c = wholeItem(cx, node)
  if (c.minimize) return readMinimize(cx, the(c.minimize))
  if (c.report) return readReport(cx, the(c.report))
  if (c.checkpoint) {
    const { Checkpoint, every } = whole(the(c.checkpoint))
    return readEvery(cx, the(Checkpoint), the(every))
  }
  if (c.keep) return readKeep(cx, the(c.keep))
  if (c.patience) return readPatience(cx, the(c.patience))
  if (c.budget) return readBudget(cx, the(c.budget))
  if (c.precision) return readPrecision(cx, the(c.precision))
  return readSetting(cx, the(c.setting))
}

function readMinimize(cx: Reading, node: cst.MinimizeCstNode): ast.MinimizeStmt {
  const c = whole(node)
  const groups = c.optimizerGroup.map((group) => {
    const g = whole(group)
    const over = g.over?.map((target) => readPostfix(cx, target))
    return { ...(over && { over }), optimizer: readPostfix(cx, the(g.with)) }
  })
  return { kind: "minimize", loss: readExpression(cx, the(c.expression)), groups, span: spanOf(cx, node) }
}

function readReport(cx: Reading, node: cst.ReportCstNode): ast.TrainStmt | ast.TrainStmt[] {
  const c = whole(node)
  if (c.every) return readEvery(cx, the(c.Report), the(c.every))
  const start = tokenSpan(cx.file, the(c.Report)).start
  return (c.named ?? hole()).map((each, i) => {
    const { Identifier, expression } = whole(each)
    const span = spanOf(cx, each)
    const value = readExpression(cx, the(expression))
    return {
      kind: "report",
      name: nameOf(cx, the(Identifier)),
      value,
      span: i === 0 ? { ...span, start } : span,
    }
  })
}

type Tokens = cst.ReportCstChildren["Report"]

/** `report every 100 steps` is the setting `report every`. */
function readEvery(cx: Reading, word: Tokens[number], node: cst.EveryCstNode): ast.SettingStmt {
  const c = whole(node)
  const first = nameOf(cx, word)
  const second = nameOf(cx, the(c.Every))
  const unit = nameOf(cx, the(c.Unit))
  return {
    kind: "setting",
    name: { text: `${first.text} ${second.text}`, span: cover(first.span, second.span) },
    value: readExpression(cx, the(c.expression)),
    unit: unit.text === "steps" ? "steps" : "epochs",
    span: cover(first.span, unit.span),
  }
}

function readKeep(cx: Reading, node: cst.KeepCstNode): ast.SettingStmt {
  const c = whole(node)
  const metric = c.Identifier && nameOf(cx, the(c.Identifier))
  return {
    kind: "setting",
    name: twoWords(nameOf(cx, the(c.Keep)), nameOf(cx, the(c.Average ?? c.Last ?? c.Best))),
    value: metric
      ? { kind: "name", name: metric.text, span: metric.span }
      : readExpression(cx, the(c.expression)),
    span: spanOf(cx, node),
  }
}

const twoWords = (first: ast.Name, second: ast.Name): ast.Name => ({
  text: `${first.text} ${second.text}`,
  span: cover(first.span, second.span),
})

function readPatience(cx: Reading, node: cst.PatienceCstNode): ast.SettingStmt {
  const c = whole(node)
  return {
    kind: "setting",
    name: nameOf(cx, the(c.Patience)),
    value: readExpression(cx, the(c.expression)),
    unit: nameOf(cx, the(c.Unit)).text === "steps" ? "steps" : "epochs",
    ...(c.metric && { on: nameOf(cx, the(c.metric)) }),
    span: spanOf(cx, node),
  }
}

/** `budget memory 64 MiB` is the setting `budget memory`. */
function readBudget(cx: Reading, node: cst.BudgetCstNode): ast.SettingStmt {
  const c = whole(node)
  return {
    kind: "setting",
    name: twoWords(nameOf(cx, the(c.Budget)), nameOf(cx, the(c.Memory))),
    value: readExpression(cx, the(c.expression)),
    unit: nameOf(cx, the(c.ByteUnit)).text as ast.ByteUnit,
    span: spanOf(cx, node),
  }
}

/** `precision mixed` is a setting of two words; its value is the scaling of the loss. */
function readPrecision(cx: Reading, node: cst.PrecisionCstNode): ast.SettingStmt {
  const c = whole(node)
  return {
    kind: "setting",
    name: twoWords(nameOf(cx, the(c.Precision)), nameOf(cx, the(c.Mixed))),
    ...(c.postfix && { value: readPostfix(cx, the(c.postfix)), with: true }),
    span: spanOf(cx, node),
  }
}

function readSetting(cx: Reading, node: cst.SettingCstNode): ast.SettingStmt {
  const c = whole(node)
  const name = nameOf(cx, the(c.FlagSetting ?? c.ValueSetting))
  const value = c.expression && readExpression(cx, the(c.expression))
  const span = spanOf(cx, node)
  if (!c.AnyWord || !value) return { kind: "setting", name, ...(value && { value }), span }
  const word = nameOf(cx, the(c.AnyWord))
  const arg = { name: word, value, span: { ...value.span, start: word.span.start } }
  return { kind: "setting", name, arg, span }
}

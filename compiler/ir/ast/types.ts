/** ir/ast: the program as it was written, construct by construct. Names are unresolved, shapes unchecked. Every node has a span. */
import type { Span } from "../../source/source.js"

interface Node {
  readonly span: Span
}
export interface Name extends Node {
  readonly text: string
}

export interface Module extends Node {
  readonly imports: readonly Import[]
  readonly declarations: readonly Declaration[]
  /** Text that could not be read, and is in no declaration or missing in one. Ranges may overlap. */
  readonly unread: readonly Span[]
}
/** `import "blocks.nn"` brings every name, `import { A, B } from "blocks.nn"` the listed ones. */
export interface Import extends Node {
  readonly path: string
  readonly names?: readonly Name[]
}

export type Declaration = LetDecl | FnDecl | LayerDecl | ModelDecl | OptimizerDecl | DataDecl | TrainDecl

/** `let width = 64` at the top of a file: a constant. */
export interface LetDecl extends Node {
  readonly kind: "let-decl"
  readonly doc?: string
  readonly name: Name
  readonly value: Expr
}
/** `fn gelu(x: f32[...], approximate: string = "none") -> f32[...] { ... }` */
export interface FnDecl extends Node {
  readonly kind: "fn"
  readonly doc?: string
  readonly name: Name
  readonly params: readonly Param[]
  readonly result?: TypeExpr
  readonly body: Block
}
/** `layer Linear(out: int, bias: bool = true)(x: f32[..., in]) -> f32[..., out] { ... }` */
export interface LayerDecl extends Node {
  readonly kind: "layer"
  readonly doc?: string
  readonly name: Name
  readonly config: readonly Param[]
  readonly inputs: readonly Param[]
  readonly result?: TypeExpr
  readonly body: Block
}
/** `model Net(x: f32[B, 30]) -> f32[B, 1] { ... }`; `from "net.safetensors"` before the body says where its parameters start. */
export interface ModelDecl extends Node {
  readonly kind: "model"
  readonly doc?: string
  readonly name: Name
  readonly inputs: readonly Param[]
  readonly result?: TypeExpr
  /** A text, or a call of one: the file, and how its names are read. */
  readonly from?: Expr
  readonly body: Block
  /** `model Target follows Online by ema(decay: 0.99)`: in the place of inputs, result and body, which are empty. */
  readonly follows?: { readonly leader: Name; readonly by: Expr }
}
/** `optimizer SGD(lr: f32, momentum: f32 = 0)(p, g) { ... }`: `parameter` and `gradient` are the two names. */
export interface OptimizerDecl extends Node {
  readonly kind: "optimizer"
  readonly doc?: string
  readonly name: Name
  readonly config: readonly Param[]
  readonly parameter: Name
  readonly gradient: Name
  readonly body: Block
}
/** `data cancer = csv("...") { fields; split ...; test = csv("...") }` */
export interface DataDecl extends Node {
  readonly kind: "data"
  readonly doc?: string
  readonly name: Name
  /** A call: csv, idx, npy, array, ... */
  readonly source: Expr
  readonly fields: readonly FieldDecl[]
  readonly split?: SplitDecl
  /** `windows stride: 7, order: "day", group: "store"` */
  readonly windows?: SplitDecl
  /** `where column("country") == "KR"`: of the rows that take part, all of them hold. */
  readonly where?: readonly WhereDecl[]
  /** Sources of their own for the rows that are held back. */
  readonly val?: Expr
  readonly test?: Expr
}
/** `x: f32[30] = columns(except: "benign") |> standardize` */
export interface FieldDecl extends Node {
  readonly name: Name
  readonly type: TypeExpr
  readonly value: Expr
}
/** `where column("age") >= 18` */
export interface WhereDecl extends Node {
  readonly condition: Expr
}
/** `split train: 0.8, test: 0.2, seed: 7` */
export interface SplitDecl extends Node {
  readonly args: readonly Arg[]
}
/** `train pretrain on shakespeare { ... }`, `train on labelled, unlabelled { ... }`: `data` leads, `beside` are the others. */
export interface TrainDecl extends Node {
  readonly kind: "train"
  readonly doc?: string
  readonly name?: Name
  readonly data?: Name
  readonly beside: readonly Name[]
  readonly body: readonly TrainStmt[]
}

export interface Param extends Node {
  readonly name: Name
  readonly type?: TypeExpr
  readonly default?: Expr
}

/** `f32[B, 30]`, `int`, `(f32[N], f32[N])`. */
export type TypeExpr = TensorTypeExpr | TupleTypeExpr
export interface TensorTypeExpr extends Node {
  readonly kind: "type"
  /** f32, f16, i32, u32, bool; `any` (any dtype); int, string, list (constants only). */
  readonly base: Name
  /** Absent: a scalar (or a constant). Dimensions are integer expressions; `...` or `...rest` is any run of axes. */
  readonly dims?: readonly DimExpr[]
}
export interface TupleTypeExpr extends Node {
  readonly kind: "tuple-type"
  readonly items: readonly TypeExpr[]
}
export type DimExpr = RestDim | Expr
export interface RestDim extends Node {
  readonly kind: "rest"
  readonly name?: Name
}

export interface Block extends Node {
  readonly statements: readonly Stmt[]
}
/** The value of a block is its last statement when that is an expression, or the value of its `return`. */
export type Stmt =
  | LetStmt
  | VarStmt
  | AssignStmt
  | UpdateStmt
  | ParamStmt
  | StateStmt
  | ReturnStmt
  | IfStmt
  | ForStmt
  | ExprStmt
/** `let y = ...`, `let (h, c) = ...` */
export interface LetStmt extends Node {
  readonly kind: "let"
  readonly names: readonly Name[]
  readonly value: Expr
}
/** `var h = ...`: may be assigned again. */
export interface VarStmt extends Node {
  readonly kind: "var"
  readonly name: Name
  readonly value: Expr
}
export interface AssignStmt extends Node {
  readonly kind: "assign"
  readonly name: Name
  readonly value: Expr
}
/** `m <- beta * m + ...`: the new value of a state, or of `p` in an optimizer. */
export interface UpdateStmt extends Node {
  readonly kind: "update"
  readonly name: Name
  readonly value: Expr
}
/** `param weight: f32[out, in] = uniform(-k, k)`; `frozen` for `frozen param`. */
export interface ParamStmt extends Node {
  readonly kind: "param"
  readonly frozen: boolean
  readonly name: Name
  /** The last part of its path, where that is not `name`: a constant text. */
  readonly as?: Expr
  readonly type: TypeExpr
  readonly init: Expr
  /** `param table: f32[4] from "table.npy"`: in the place of `init`, which is 0. */
  readonly from?: Expr
}
/** `state running_mean: f32[C] = zeros`; in an optimizer the type may be left out (`state m = zeros_like(p)`). */
export interface StateStmt extends Node {
  readonly kind: "state"
  readonly name: Name
  readonly type?: TypeExpr
  readonly init: Expr
}
export interface ReturnStmt extends Node {
  readonly kind: "return"
  readonly value: Expr
}
export interface IfStmt extends Node {
  readonly kind: "if"
  readonly condition: Expr
  readonly then: Block
  readonly else?: Block
}
/** `for i in 0..4 { }` or `for k in [3, 5, 7] { }` */
export interface ForStmt extends Node {
  readonly kind: "for"
  readonly name: Name
  readonly range: Expr
  readonly body: Block
}
export interface ExprStmt extends Node {
  readonly kind: "expr"
  readonly value: Expr
}

export type TrainStmt = Stmt | MinimizeStmt | ReportStmt | SettingStmt
/** `minimize loss over critic, Net.head with Adam(lr: 2e-4)`; several `over ... with ...` groups may follow one another. */
export interface MinimizeStmt extends Node {
  readonly kind: "minimize"
  readonly loss: Expr
  readonly groups: readonly { readonly over?: readonly Expr[]; readonly optimizer: Expr }[]
}
/** `report accuracy = mean(...)` */
export interface ReportStmt extends Node {
  readonly kind: "report"
  readonly name: Name
  readonly value: Expr
}
/** `batch 64`, `shuffle`, `epochs 100`, `steps 5000`, `seed 1`, `drop_last`, `clip_norm 1.0`, `clip_value 0.5`,
 *  `accumulate 4`, `patience 3 epochs`, `report every 100 steps`, `checkpoint every 10 epochs`, `keep best accuracy`, `keep last 3`, `keep average ema(0.99)`,
 *  `budget memory 64 MiB`, `precision mixed with GradScaler()`. */
export interface SettingStmt extends Node {
  readonly kind: "setting"
  readonly name: Name
  readonly value?: Expr
  readonly unit?: "steps" | "epochs" | ByteUnit
  /** `shuffle weight: "importance"` */
  readonly arg?: Arg
  /** `patience 3 epochs on val_accuracy`: the metric. */
  readonly on?: Name
  /** The value stands behind the word `with`. */
  readonly with?: true
}
export const BYTE_UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const
export type ByteUnit = keyof typeof BYTE_UNITS

export interface Arg extends Node {
  readonly name?: Name
  readonly value: Expr
}
export type BinaryOp =
  "||" | "&&" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%" | "@" | "^"
export type Expr =
  | NumberExpr
  | StringExpr
  | BoolExpr
  | NoneExpr
  | NameExpr
  | ListExpr
  | TupleExpr
  | RangeExpr
  | UnaryExpr
  | BinaryExpr
  | PipeExpr
  | CallExpr
  | FieldExpr
  | IndexExpr
  | IfExpr
  | ScanExpr
/** `isInt` tells `2` from `2.0`. */
export interface NumberExpr extends Node {
  readonly kind: "number"
  readonly value: number
  readonly isInt: boolean
  readonly text: string
}
export interface StringExpr extends Node {
  readonly kind: "string"
  readonly value: string
}
export interface BoolExpr extends Node {
  readonly kind: "bool"
  readonly value: boolean
}
export interface NoneExpr extends Node {
  readonly kind: "none"
}
export interface NameExpr extends Node {
  readonly kind: "name"
  readonly name: string
}
export interface ListExpr extends Node {
  readonly kind: "list"
  readonly items: readonly Expr[]
}
export interface TupleExpr extends Node {
  readonly kind: "tuple"
  readonly items: readonly Expr[]
}
/** `0..4`: from start up to but not including end. */
export interface RangeExpr extends Node {
  readonly kind: "range"
  readonly start: Expr
  readonly end: Expr
}
export interface UnaryExpr extends Node {
  readonly kind: "unary"
  readonly op: "-" | "!"
  readonly operand: Expr
}
export interface BinaryExpr extends Node {
  readonly kind: "binary"
  readonly op: BinaryOp
  readonly left: Expr
  readonly right: Expr
}
/** `x |> f(a)` */
export interface PipeExpr extends Node {
  readonly kind: "pipe"
  readonly value: Expr
  readonly target: Expr
}
export interface CallExpr extends Node {
  readonly kind: "call"
  readonly callee: Expr
  readonly args: readonly Arg[]
}
export interface FieldExpr extends Node {
  readonly kind: "field"
  readonly object: Expr
  readonly name: Name
}
/** `x[0]`, `x[1:3]`, `x[:, 0]`, `x[..., -1]` */
export interface IndexExpr extends Node {
  readonly kind: "index"
  readonly object: Expr
  readonly items: readonly IndexItem[]
}
export type IndexItem =
  | { readonly kind: "at"; readonly value: Expr }
  | {
      readonly kind: "slice"
      readonly start?: Expr
      readonly stop?: Expr
      readonly step?: Expr
      readonly span: Span
    }
  | { readonly kind: "rest"; readonly span: Span }
/** `if training { a } else { b }` as a value. */
export interface IfExpr extends Node {
  readonly kind: "if-expr"
  readonly condition: Expr
  readonly then: Block
  readonly else: Block
}
/** `scan x in xs over 1 { ... }`, `scan (x, y) in (xs, ys) over 1 { ... }`: the values of the block, stacked. */
export interface ScanExpr extends Node {
  readonly kind: "scan"
  readonly names: readonly Name[]
  readonly sequence: Expr
  readonly axis: Expr
  readonly body: Block
}

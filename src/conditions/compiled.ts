import type { SelectNode, SyntaxNode } from './syntax-tree.ts'
import type { ValueType } from './types.ts'
import type { Budget } from './values.ts'

/** Names that a condition may use, by where it stands. */
export type ConditionName = 'input' | 'output' | 'status' | 'error' | 'item' | 'index' | 'result' | 'execution'

/** The values of names. Values are JSON and are neither changed nor copied; only named ones are read. */
export interface ConditionValues {
  /** `undefined` if the execution has no input. */
  readonly input?: unknown
  /** The output of a task; null for one without an output. */
  readonly output?: (taskId: string) => unknown
  /** The status of a task. */
  readonly status?: (taskId: string) => string
  /** The error of a task, `{code, message}`; null for one without. */
  readonly error?: (taskId: string) => unknown
  readonly item?: unknown
  readonly index?: number
  readonly result?: unknown
  readonly execution?: { readonly status: string }
}

/** State of one evaluation. */
export interface Frame {
  readonly values: ConditionValues
  /** Values of the variables of comprehensions, by slot. */
  readonly locals: unknown[]
  readonly budget: Budget
}

/** Evaluates an expression: a value, or a `Failure`. @throws StepsExceeded */
export type Run = (frame: Frame) => unknown

/** A checked expression. */
export interface Compiled {
  readonly type: ValueType
  readonly run: Run
  /** The keys of an object that has no others; all of them are strings. */
  readonly fields?: readonly string[]
  /** The strings that the value may be, if it is one of few. */
  readonly choices?: readonly string[]
}

/** The operations that the compilers of single node kinds share. */
export interface Compilation {
  readonly source: string
  /** Checks and compiles a node. @throws ProblemError */
  compile(node: SyntaxNode): Compiled
  /**
   * Compiles a node in which `name` is the variable of a comprehension.
   * @returns `weight`: number of nodes, the steps of one item
   */
  compileWith(name: string, node: SyntaxNode): Compiled & { readonly slot: number; readonly weight: number }
  /** Compiles the object whose key `has` asks for. */
  compileHolder(node: SelectNode): Compiled
  /** The source of a node, for messages. */
  show(node: SyntaxNode): string
}

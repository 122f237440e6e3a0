import { shortenText } from '../text.ts'
import { compileIndex, compileSelect } from './compile-access.ts'
import { compileCall } from './compile-call.ts'
import {
  bareName,
  compileRoot,
  compileTask,
  isTaskName,
  readTaskId,
  type TaskName,
  unknownName,
} from './compile-name.ts'
import { compileBinary, compileTernary, compileUnary } from './compile-operators.ts'
import type { Compilation, Compiled, ConditionName, Frame, Run } from './compiled.ts'
import { ProblemError } from './problem.ts'
import type { SelectNode, SyntaxNode } from './syntax-tree.ts'
import { nameType, typeOf, unify } from './types.ts'
import { describe, Failure } from './values.ts'

/** A value that a condition reads, and the name of its source. */
export interface ConditionReference {
  readonly kind: 'input' | TaskName
  /** Present unless `kind` is `input`. */
  readonly taskId?: string
  /** Place of its first mention: of the id, or of `input`. From 1, UTF-16 units from the start of the source. */
  readonly column: number
}

/** Resolves names, checks types, and compiles an expression into closures. One instance compiles one expression. */
export class Compiler implements Compilation {
  readonly source: string
  readonly #names: readonly ConditionName[]
  /** Variables of the comprehensions around the node, by name. */
  readonly #slots = new Map<string, number>()
  #depth = 0
  #nodeCount = 0
  readonly #references = new Map<string, ConditionReference>()
  readonly #reads = new Map<string, Run>()
  #usesItem = false

  constructor(source: string, names: readonly ConditionName[]) {
    this.source = source
    this.#names = names
  }

  /** The values outside of the expression that it reads, each once, in order of their first mention. */
  get references(): readonly ConditionReference[] {
    return [...this.#references.values()]
  }

  /** The longest paths into these values, by their source. */
  get reads(): ReadonlyMap<string, Run> {
    return this.#reads
  }

  /** Whether it names `item` or `index`. */
  get usesItem(): boolean {
    return this.#usesItem
  }

  compile(node: SyntaxNode): Compiled {
    this.#nodeCount += 1
    if (!isAccess(node)) return this.#compileOther(node)
    const compiled = this.#compileAccess(node)
    this.#addRead(node, compiled.run)
    return compiled
  }

  compileWith(name: string, node: SyntaxNode): Compiled & { readonly slot: number; readonly weight: number } {
    const outer = this.#slots.get(name)
    const slot = this.#depth
    const before = this.#nodeCount
    this.#slots.set(name, slot)
    this.#depth += 1
    const compiled = this.compile(node)
    this.#depth -= 1
    if (outer === undefined) this.#slots.delete(name)
    else this.#slots.set(name, outer)
    return { ...compiled, slot, weight: this.#nodeCount - before }
  }

  compileHolder(node: SelectNode): Compiled {
    this.#nodeCount += 1
    const { operand, at } = node
    if (operand.kind === 'name' && isTaskName(operand.name) && this.#isRoot(operand.name)) {
      throw new ProblemError(
        `\`has\` expects a key of a value, found ${this.show(node)}`,
        at,
        'Whether there is a value is `output.ID != null`',
      )
    }
    if (!isAccess(operand)) return this.compile(operand)
    const holder = this.#compileAccess(operand)
    this.#addRead(node, compileSelect(holder, operand, node.field, at, this).run)
    return holder
  }

  show({ start, end }: SyntaxNode): string {
    return `\`${shortenText(this.source.slice(start, end), 40)}\``
  }

  /** Whether a name has a value here and no variable hides it. */
  #isRoot(name: string): boolean {
    return !this.#slots.has(name) && (this.#names as readonly string[]).includes(name)
  }

  #compileAccess(node: AccessNode): Compiled {
    if (node.kind === 'name') return this.#compileName(node.name, node.at)
    const { operand } = node
    if (operand.kind === 'name' && isTaskName(operand.name) && this.#isRoot(operand.name)) {
      const taskId = readTaskId(operand.name, node)
      this.#addReference(operand.name, taskId, node.at)
      return compileTask(operand.name, taskId, node.at)
    }
    this.#nodeCount += 1
    const holder = this.#compileOperand(operand)
    if (node.kind === 'select') return compileSelect(holder, operand, node.field, node.at, this)
    return compileIndex(holder, operand, node.index, this)
  }

  /** Compiles the value before a field or an index. It is not a path by itself. */
  #compileOperand(operand: SyntaxNode): Compiled {
    if (!isAccess(operand)) return this.compile(operand)
    const isExecution = operand.kind === 'name' && operand.name === 'execution' && this.#isRoot('execution')
    return isExecution ? compileRoot('execution', operand.at) : this.#compileAccess(operand)
  }

  #compileName(name: string, at: number): Compiled {
    const slot = this.#slots.get(name)
    if (slot !== undefined) return { type: 'any', run: ({ locals }) => locals[slot] }
    if (!this.#isRoot(name)) {
      throw unknownName(name, at, [...this.#names, ...this.#slots.keys()], this.source)
    }
    const root = name as ConditionName
    if (isTaskName(root) || root === 'execution') throw bareName(root, at)
    if (root === 'item' || root === 'index') this.#usesItem = true
    if (root === 'input') this.#addReference('input', undefined, at)
    return compileRoot(root, at)
  }

  #compileOther(node: Exclude<SyntaxNode, AccessNode>): Compiled {
    switch (node.kind) {
      case 'literal': {
        const { value } = node
        return { type: typeOf(value), run: () => value }
      }
      case 'unary':
        return compileUnary(node.operator, node.operand, node.at, this)
      case 'binary':
        return compileBinary(node, this)
      case 'ternary':
        return compileTernary(node.condition, node.whenTrue, node.whenFalse, this)
      case 'call':
        return compileCall(node, this)
      case 'list':
        return this.#compileList(node.items)
      case 'map':
        return this.#compileMap(node.entries)
      default:
        return node satisfies never
    }
  }

  #compileList(nodes: readonly SyntaxNode[]): Compiled {
    const runs = nodes.map(node => this.compile(node).run)
    return {
      type: 'array',
      run: frame => {
        const values: unknown[] = []
        for (const run of runs) {
          const value = run(frame)
          if (value instanceof Failure) return value
          values.push(value)
        }
        return values
      },
    }
  }

  #compileMap(nodes: readonly (readonly [key: SyntaxNode, value: SyntaxNode])[]): Compiled {
    const entries = nodes.map(([keyNode, valueNode]) => {
      const key = this.compile(keyNode)
      if (unify(key.type, 'string') === undefined) {
        throw new ProblemError(`Expected a string as a key, found ${nameType(key.type)}`, keyNode.at)
      }
      return { key: key.run, value: this.compile(valueNode).run, at: keyNode.at }
    })
    return {
      type: 'object',
      run: frame => {
        // Without a prototype, so that `__proto__` is an ordinary key.
        const object = Object.create(null) as Record<string, unknown>
        for (const entry of entries) {
          const failure = addEntry(object, entry, frame)
          if (failure !== undefined) return failure
        }
        return object
      },
    }
  }

  #addReference(kind: ConditionReference['kind'], taskId: string | undefined, at: number): void {
    const key = `${kind} ${taskId ?? ''}`
    if (this.#references.has(key)) return
    this.#references.set(key, { kind, ...(taskId !== undefined && { taskId }), column: at + 1 })
  }

  /** Keeps what reads a path, unless the path begins with a variable of a comprehension. */
  #addRead(node: SyntaxNode, run: Run): void {
    let root = node
    while (root.kind === 'select' || root.kind === 'index') root = root.operand
    if (root.kind !== 'name' || this.#slots.has(root.name)) return
    this.#reads.set(this.source.slice(node.start, node.end), run)
  }
}

type AccessNode = Extract<SyntaxNode, { kind: 'name' | 'select' | 'index' }>

function isAccess(node: SyntaxNode): node is AccessNode {
  return node.kind === 'name' || node.kind === 'select' || node.kind === 'index'
}

interface Entry {
  readonly key: Run
  readonly value: Run
  readonly at: number
}

function addEntry(object: Record<string, unknown>, { key, value, at }: Entry, frame: Frame): Failure | undefined {
  const name = key(frame)
  if (name instanceof Failure) return name
  if (typeof name !== 'string') {
    return new Failure(at, () => ({ message: `Expected a string as a key, found ${describe(name)}` }))
  }
  if (Object.hasOwn(object, name)) {
    return new Failure(at, () => ({ message: `Expected keys to be unique, found ${describe(name)} twice` }))
  }
  const member = value(frame)
  if (member instanceof Failure) return member
  object[name] = member
  return undefined
}

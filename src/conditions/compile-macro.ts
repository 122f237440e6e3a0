import { hasMember } from './compile-access.ts'
import type { Compilation, Compiled, Frame, Run } from './compiled.ts'
import { ProblemError } from './problem.ts'
import type { CallNode, SyntaxNode } from './syntax-tree.ts'
import { expectBoolean, nameType, requireBoolean, unify } from './types.ts'
import { describe, Failure, readKeys, readNumber } from './values.ts'

/** Calls whose arguments are not values. The number of arguments includes the variable. */
export const MACROS: readonly {
  readonly name: string
  readonly isMethod: boolean
  readonly counts: readonly number[]
}[] = [
  { name: 'has', isMethod: false, counts: [1] },
  { name: 'all', isMethod: true, counts: [2] },
  { name: 'exists', isMethod: true, counts: [2] },
  { name: 'exists_one', isMethod: true, counts: [2] },
  { name: 'filter', isMethod: true, counts: [2] },
  { name: 'map', isMethod: true, counts: [2, 3] },
]

export function isMacro(name: string, isMethod: boolean): boolean {
  return MACROS.some(each => each.name === name && each.isMethod === isMethod)
}

/** Checks and compiles a macro. @throws ProblemError */
export function compileMacro(node: CallNode, compilation: Compilation): Compiled {
  const { name, target, at } = node
  const counts = MACROS.find(each => each.name === name)?.counts ?? []
  if (!counts.includes(node.arguments.length)) {
    const forms: Readonly<Record<string, string>> = { has: 'has(a.b)', map: 'a.map(x, x.b)' }
    throw new ProblemError(
      `\`${name}\` expects ${counts.join(' or ')} arguments, found ${node.arguments.length}`,
      at,
      `Write it like \`${forms[name] ?? `a.${name}(x, x > 1)`}\``,
    )
  }
  if (target === undefined) return compileHas(node.arguments[0] as SyntaxNode, compilation)
  return compileComprehension(node, target, compilation)
}

function compileHas(argument: SyntaxNode, compilation: Compilation): Compiled {
  if (argument.kind !== 'select') {
    throw new ProblemError(
      `\`has\` expects a key of a value, as in \`has(a.b)\`, found ${compilation.show(argument)}`,
      argument.at,
      argument.kind === 'index' ? 'Write `"key" in a`' : undefined,
    )
  }
  const { operand, field, at } = argument
  const { type, run } = compilation.compileHolder(argument)
  if (unify(type, 'object') === undefined) {
    throw new ProblemError(`\`has\` expects a key of an object, found one of ${nameType(type)}`, at)
  }
  const shown = compilation.show(operand)
  return {
    type: 'boolean',
    run: frame => {
      const value = run(frame)
      if (value instanceof Failure) return value
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return hasMember(value, field)
      return new Failure(at, () => ({
        message: `\`has\` expects ${shown} to be an object, found ${describe(value)}`,
        ...(value === null && { hint: 'Check it first: `a != null && has(a.b)`' }),
      }))
    },
  }
}

function compileComprehension(node: CallNode, target: SyntaxNode, compilation: Compilation): Compiled {
  const { name } = node
  const [variable, body, last] = node.arguments as readonly [SyntaxNode, SyntaxNode, SyntaxNode?]
  const range = compilation.compile(target)
  if (unify(range.type, 'array') === undefined && unify(range.type, 'object') === undefined) {
    throw new ProblemError(`\`${name}\` expects an array or an object, found ${nameType(range.type)}`, target.at)
  }
  if (variable.kind !== 'name') {
    throw new ProblemError(`\`${name}\` expects the name of a variable first`, variable.at, `Write \`a.${name}(x, …)\``)
  }
  const compileBody = (body: SyntaxNode, isTest: boolean): Body => {
    const compiled = compilation.compileWith(variable.name, body)
    if (isTest) expectBoolean(compiled.type, body.at, `\`${name}\``)
    return { ...compiled, at: body.at }
  }
  const isMap = name === 'map'
  const first = compileBody(body, !isMap || last !== undefined)
  const second = last && compileBody(last, false)
  const loop: Loop = {
    what: `\`${name}\``,
    range: compilation.show(target),
    slot: first.slot,
    weight: first.weight + (second?.weight ?? 0),
  }
  const fold = chooseFold(name, first, second, loop)
  return {
    type: isMap || name === 'filter' ? 'array' : 'boolean',
    run: frame => {
      const value = range.run(frame)
      if (value instanceof Failure) return value
      if (typeof value === 'object' && value !== null) {
        return fold(Array.isArray(value) ? value : readKeys(value, frame.budget), frame)
      }
      return new Failure(target.at, () => ({
        message: `\`${name}\` expects an array or an object, found ${describe(value)}`,
      }))
    },
  }
}

/** The parts of a comprehension that all items share. */
interface Loop {
  /** The macro, for messages. */
  readonly what: string
  /** The source of the array or object, for messages. */
  readonly range: string
  /** Of the variable. */
  readonly slot: number
  /** Steps of one item. */
  readonly weight: number
}

interface Body {
  readonly run: Run
  readonly slot: number
  readonly weight: number
  readonly at: number
}

type Fold = (items: readonly unknown[], frame: Frame) => unknown

function chooseFold(name: string, first: Body, second: Body | undefined, loop: Loop): Fold {
  switch (name) {
    case 'all':
      return (items, frame) => quantify(false, first, items, frame, loop)
    case 'exists':
      return (items, frame) => quantify(true, first, items, frame, loop)
    case 'exists_one':
      return (items, frame) => {
        const kept = collect(first, undefined, items, frame, loop)
        return kept instanceof Failure ? kept : kept.length === 1
      }
    case 'filter':
      return (items, frame) => collect(first, undefined, items, frame, loop)
    default:
      return second === undefined
        ? (items, frame) => collect(undefined, first, items, frame, loop)
        : (items, frame) => collect(first, second, items, frame, loop)
  }
}

/** One item that decides wins over failures of other items, before and after it. */
function quantify(
  decisive: boolean,
  { run, at }: Body,
  items: readonly unknown[],
  frame: Frame,
  loop: Loop,
): boolean | Failure {
  let failure: Failure | undefined
  for (let i = 0; i < items.length; i++) {
    frame.budget.spend(loop.weight)
    frame.locals[loop.slot] = readNumber(items[i])
    const value = requireBoolean(run(frame), at, loop.what)
    if (value === decisive) return decisive
    if (value instanceof Failure) failure ??= locate(value, i, loop)
  }
  return failure ?? !decisive
}

/** The items for which `test` is true, each changed by `change`. The first failure ends it. */
function collect(
  test: Body | undefined,
  change: Body | undefined,
  items: readonly unknown[],
  frame: Frame,
  loop: Loop,
): unknown[] | Failure {
  const kept: unknown[] = []
  for (let i = 0; i < items.length; i++) {
    frame.budget.spend(loop.weight)
    const value = readNumber(items[i])
    frame.locals[loop.slot] = value
    const isKept = test === undefined || requireBoolean(test.run(frame), test.at, loop.what)
    if (isKept instanceof Failure) return locate(isKept, i, loop)
    if (!isKept) continue
    const result = change === undefined ? value : change.run(frame)
    if (result instanceof Failure) return locate(result, i, loop)
    kept.push(result)
  }
  return kept
}

/** Says of which element a failure is. */
function locate(failure: Failure, index: number, { range }: Loop): Failure {
  return new Failure(failure.at, () => {
    const { message, ...more } = failure.describe()
    return { message: `${message}, for element ${index} of ${range}`, ...more }
  })
}

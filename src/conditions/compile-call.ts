import { quoteName } from '../tools/json-pointer.ts'
import { Suggestions } from '../tools/suggestion.ts'
import { compileMacro, isMacro, MACROS } from './compile-macro.ts'
import type { Compilation, Compiled, Run } from './compiled.ts'
import { type ConditionFunction, FUNCTIONS } from './functions.ts'
import { ProblemError } from './problem.ts'
import type { CallNode, SyntaxNode } from './syntax-tree.ts'
import { nameType, typeOf, unify, type ValueType } from './types.ts'
import { describe, Failure } from './values.ts'

/** Functions of CEL, its extensions and other languages, and what to write instead. */
const HINTS = new Map([
  ['matches', 'Conditions have no regular expressions: use `contains`, `startsWith` or `endsWith`'],
  ['includes', 'Did you mean `contains`?'],
  ['len', 'Did you mean `size`?'],
  ['length', 'Did you mean `size`?'],
  ['some', 'Did you mean `exists`?'],
  ['any', 'Did you mean `exists`?'],
  ['every', 'Did you mean `all`?'],
  ['toLowerCase', 'Did you mean `lowerAscii`?'],
  ['toUpperCase', 'Did you mean `upperAscii`?'],
  ['timestamp', 'Compare times of one format and time zone as strings'],
  ['duration', 'Compare durations as numbers'],
  ['now', 'Conditions do not depend on the time: let a task give it'],
  ['type', 'Convert the value instead: `int`, `double`, `string`, `bool`'],
  ['uint', 'Did you mean `int`?'],
])

/** Checks and compiles the call of a function, a method or a macro. @throws ProblemError */
export function compileCall(node: CallNode, compilation: Compilation): Compiled {
  const { name, target, at } = node
  const isMethod = target !== undefined
  if (isMacro(name, isMethod)) return compileMacro(node, compilation)
  const found = FUNCTIONS.find(each => each.name === name && each.isMethod === isMethod)
  if (found === undefined) throw unknownFunction(name, isMethod, at)
  const operands = isMethod ? [target, ...node.arguments] : node.arguments
  const expected = found.operands.length - (isMethod ? 1 : 0)
  if (operands.length !== found.operands.length) {
    const values = expected === 1 ? 'one value' : 'no value'
    throw new ProblemError(`\`${name}\` expects ${values} in parentheses, found ${node.arguments.length}`, at)
  }
  const runs = operands.map((operand, i) => {
    const { type, run } = compilation.compile(operand)
    if (isAllowed(type, found, i)) return run
    throw new ProblemError(
      `\`${name}\` ${expectTypes(found, i)}, found ${nameType(type)}`,
      operand.at,
      hintFor(found, type),
    )
  })
  return { type: found.result, run: compileFunction(found, runs, operands, at) }
}

function compileFunction(
  found: ConditionFunction,
  runs: readonly Run[],
  nodes: readonly SyntaxNode[],
  at: number,
): Run {
  const { name } = found
  return frame => {
    const values: unknown[] = []
    for (let i = 0; i < runs.length; i++) {
      const value = (runs[i] as Run)(frame)
      if (value instanceof Failure) return value
      if (!isAllowed(typeOf(value), found, i)) {
        return new Failure((nodes[i] as SyntaxNode).at, () => ({
          message: `\`${name}\` ${expectTypes(found, i)}, found ${describe(value)}`,
        }))
      }
      values.push(value)
    }
    return found.run(values, at, frame.budget)
  }
}

/** Whether a value of the type may be the operand; `any` is not known yet. */
function isAllowed(type: ValueType, { operands }: ConditionFunction, index: number): boolean {
  const allowed = operands[index] as readonly ValueType[]
  return allowed.some(each => unify(each, type) !== undefined)
}

function expectTypes({ isMethod, operands }: ConditionFunction, index: number): string {
  const names = (operands[index] as readonly ValueType[])
    .map(nameType)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1')
  return isMethod && index === 0 ? `is a method of ${names}` : `expects ${names}`
}

function hintFor({ name, isMethod }: ConditionFunction, type: ValueType): string | undefined {
  return name === 'contains' && isMethod && type === 'array' ? 'Did you mean `x in array`?' : undefined
}

function unknownFunction(name: string, isMethod: boolean, at: number): ProblemError {
  const hint = HINTS.get(name)
  if (hint !== undefined) return new ProblemError(`There is no function ${quoteName(name)}`, at, hint)
  const known = [...FUNCTIONS, ...MACROS]
  const isOther = known.some(each => each.name === name)
  const forms = (method: boolean): string => (method ? `\`a.${name}(…)\`` : `\`${name}(…)\``)
  if (isOther) return new ProblemError(`Expected ${forms(!isMethod)}, found ${forms(isMethod)}`, at)
  const names = new Set(known.filter(each => each.isMethod === isMethod).map(each => each.name))
  return new ProblemError(
    `There is no function ${quoteName(name)}`,
    at,
    new Suggestions(names, 'functions').hintFor(name),
  )
}
